/** How regular the contacts of an edge are: the statistics T1 to T5 of beacon detection. */

/** Widths of the bins that contacts are counted in, in mean gaps. */
const BIN_WIDTHS = [4, 10] as const;

/** Bins that shrink the Fano factor towards that of random times. */
const FANO_PRIOR = 4;

/** Gaps that scatter by a tenth are as regular as any: what is more exact is a clock, not a beacon. */
const SHAPE_MOST = 100;

/** Spans: half an hour is where persistence begins to count, a day where it is whole. */
const PERSISTENCE_US = 1800e6;
const LN_PERSISTENCE_MOST = Math.log(48);

/** How far apart edges of random times lie in the gamma test, as a multiple of the rest's spread. */
const GAMMA_SPREAD = 2;

/** Reused by all calls; as long as the longest list of contacts. */
const CONTACTS_MOST = 256;
type Values = ArrayLike<number>;

const scratch = new Float64Array(CONTACTS_MOST);
const gaps = new Float64Array(CONTACTS_MOST);

/**
 * A score of contacts: high when their times are regular, sizes equal, and it goes on for long. It has
 * no unit; ranks among edges give it a meaning.
 * @param times microseconds, ascending, the first `n` count; 3 to 256
 * @param sizes payload bytes of each
 */
export function regularity(times: Values, sizes: Values, n: number): number {
  const nGaps = n - 1;
  for (let i = 0; i < nGaps; i++) gaps[i] = times[i + 1]! - times[i]!;
  const evenness = fano(times, n);
  const narrowness = Math.exp(-spreadOfLn(gaps, nGaps) / 0.3);
  const sameness = Math.exp(-spreadOfLn(sizes, n) / 0.05);
  const spanUs = times[n - 1]! - times[0]!;
  const persistence = Math.min(1, Math.log1p(spanUs / PERSISTENCE_US) / LN_PERSISTENCE_MOST);
  const counted = evenness + 0.7 * narrowness + sameness + 1.5 * persistence;
  return Math.max(counted, gammaRatio(nGaps) / GAMMA_SPREAD);
}

/** T1: under-dispersion of counts in bins; 0 for random times, above it for regular ones. */
function fano(times: Values, n: number): number {
  const span = times[n - 1]! - times[0]!;
  let most = 0;
  for (const width of BIN_WIDTHS) {
    const bins = Math.floor((n - 1) / width);
    if (bins < 2) continue;
    scratch.fill(0, 0, bins);
    for (let i = 0; i < n; i++) {
      scratch[Math.min(bins - 1, Math.floor(((times[i]! - times[0]!) / span) * bins))]!++;
    }
    const mean = n / bins;
    let chi2 = 0;
    for (let i = 0; i < bins; i++) chi2 += (scratch[i]! - mean) ** 2 / mean;
    most = Math.max(most, -Math.log((chi2 + FANO_PRIOR) / (bins - 1 + FANO_PRIOR)));
  }
  return most;
}

/** T2, T4: median absolute deviation of ln(1 + x). */
function spreadOfLn(values: Values, n: number): number {
  for (let i = 0; i < n; i++) scratch[i] = Math.log1p(values[i]!);
  const middle = medianOfScratch(n);
  for (let i = 0; i < n; i++) scratch[i] = Math.abs(Math.log1p(values[i]!) - middle);
  return medianOfScratch(n);
}

function medianOfScratch(n: number): number {
  scratch.subarray(0, n).sort();
  return (scratch[(n - 1) >> 1]! + scratch[n >> 1]!) / 2;
}

/**
 * T3: ln of the likelihood ratio of gamma distributed gaps against exponential ones, by the root of
 * their number; 0 or less when gaps are as irregular as those of random times.
 */
function gammaRatio(n: number): number {
  let sum = 0;
  let lnSum = 0;
  for (let i = 0; i < n; i++) {
    sum += gaps[i]!;
    lnSum += Math.log(gaps[i]!);
  }
  const mean = sum / n;
  const s = Math.log(mean) - lnSum / n;
  // The usual closed form of the shape, good to 2 %.
  const fitted = (3 - s + Math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s);
  const shape = s > 0 ? Math.min(SHAPE_MOST, fitted) : SHAPE_MOST;
  if (shape <= 1) return 1 - 1 / shape;
  const perGap = shape * Math.log(shape) - lnGamma(shape) - (shape - 1) * s - shape + 1;
  return perGap * Math.sqrt(n);
}

/** ln of the gamma function, x at least 1: Stirling's series, after the argument is raised to 8. */
function lnGamma(x: number): number {
  let shift = 0;
  let at = x;
  while (at < 8) shift -= Math.log(at++);
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * at);
}
