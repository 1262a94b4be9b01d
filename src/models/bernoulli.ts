/** Evidence from outcomes that are yes or no. Logarithms are natural. */

/**
 * ln of the likelihood ratio of one outcome: P(outcome | attack) / P(outcome | normal).
 * An e-value as long as `normal` was fixed before the outcome was seen.
 */
export function lnOutcomeRatio(success: boolean, attack: number, normal: number): number {
  return success ? Math.log(attack / normal) : Math.log((1 - attack) / (1 - normal));
}

/** Predictive probability of an event after `hits` in `trials`, under a Beta(a, b) prior. */
export function betaPredictive(
  prior: { readonly a: number; readonly b: number },
  hits: number,
  trials: number,
): number {
  return (prior.a + hits) / (prior.a + prior.b + trials);
}

export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x;
}
