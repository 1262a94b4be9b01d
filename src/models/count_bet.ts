/**
 * A bet against a count being normal: one step of a CUSUM whose increments are nats.
 *
 * Normal counts are taken to be negative binomial with the given mean and size 1/2: very bursty, the
 * variance is mean + 2 mean^2. Then E = exp(tilt * count) / M(tilt) has mean 1, M being the moment
 * generating function; with tilt = ln(1 + 1 / (4 mean)), M is sqrt(2) whatever the mean. A count of
 * nothing costs 0.35 nats, about 1.4 times the mean breaks even, ten times the mean gains 2 nats.
 *
 * @param count observed
 * @param mean expected when nothing is wrong, at least 1, fixed before the count was seen
 * @returns ln E
 */
export function lnCountBet(count: number, mean: number): number {
  return count * Math.log1p(1 / (4 * mean)) - 0.5 * Math.LN2;
}
