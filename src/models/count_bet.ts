import { logAddExp } from './e_value.js';

/** Tilts in means, below 1/2, and what each costs: -ln M. */
const MILD = 0.25;
const STEEP = 0.45;
const LN_MILD = 0.5 * Math.log(1 - 2 * MILD);
const LN_STEEP = 0.5 * Math.log(1 - 2 * STEEP);

/**
 * A bet against a count being normal: one step of a CUSUM whose increments are nats.
 *
 * Normal counts are taken to be negative binomial with the given mean and size 1/2: very bursty, the
 * variance is mean + 2 mean^2. Then E = exp(tilt * count) / M(tilt) has mean 1, M being the moment
 * generating function; with tilt = ln(1 + c / mean), M is 1 / sqrt(1 - 2c) whatever the mean. Half of
 * the stake is at c = 1/4, half at c = 0.45, which wins more where the count is far above: a count of
 * nothing costs 0.7 nats, twice the mean breaks even, 20 times the mean gains 7 nats.
 *
 * @param count observed
 * @param mean expected when nothing is wrong, at least 1, fixed before the count was seen
 * @returns ln E
 */
export function lnCountBet(count: number, mean: number): number {
  const mild = count * Math.log1p(MILD / mean) + LN_MILD;
  const steep = count * Math.log1p(STEEP / mean) + LN_STEEP;
  return logAddExp(mild, steep) - Math.LN2;
}
