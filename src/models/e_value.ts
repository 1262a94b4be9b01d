/**
 * e-values: non-negative numbers whose mean is at most 1 while nothing is wrong. Evidence is their
 * logarithm, in nats.
 */

/** Smallest p of a tail extrapolated by a fitted distribution; worth 20.99 nats. */
export const P_FLOOR_FITTED = 1e-12;

/** Smallest p of an analytic null (sequential tests, bindings); worth 34.0 nats. */
export const P_FLOOR_ANALYTIC = 1e-18;

/** Most that one observation of an analytic null may be worth, nats. */
export const LN_E_MOST = lnEOfP(P_FLOOR_ANALYTIC);

/**
 * Turns a p-value into evidence: the mixture of the bets k * p^(k-1) over k in (0, 1),
 * E(p) = (1 - p + p ln p) / (p (ln p)^2), whose mean under a uniform p is 1.
 * @param p in (0, 1]; the caller keeps it above the floor that its tail deserves
 * @returns ln E
 */
export function lnEOfP(p: number): number {
  const x = -Math.log(p);
  // E = (e^x - 1 - x) / x^2, whose parts cancel close to x = 0.
  if (x < 1e-2) return Math.log(1 / 2 + x / 6 + (x * x) / 24 + (x * x * x) / 120);
  return Math.log(1 - p - p * x) + x - 2 * Math.log(x);
}

/** The p that a likelihood ratio of ln E stands for, by Markov's inequality: P(E >= e) <= 1/e. */
export function pOfLnE(lnE: number): number {
  return lnE <= 0 ? 1 : Math.exp(-lnE);
}

/** ln(e^a + e^b) without overflow. */
export function logAddExp(a: number, b: number): number {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
}
