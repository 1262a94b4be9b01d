/** Generalised Pareto tail: P(X - u > x | X > u) = (1 + shape x / scale)^(-1/shape). */
export interface GpdTail {
  readonly shape: number;
  readonly scale: number;
}

/** A shape above makes a tail without a mean; below 0 it would end, and say "impossible". */
const SHAPE_MOST = 0.9;

/**
 * Fits excesses over a threshold by probability-weighted moments (Hosking and Wallis 1987), with the
 * shape kept in [0, 0.9].
 * @param excesses non-negative, ascending
 */
export function fitGpd(excesses: ArrayLike<number>): GpdTail {
  const n = excesses.length;
  let mean = 0;
  let weighted = 0;
  for (let i = 0; i < n; i++) {
    mean += excesses[i]! / n;
    // Plotting position of Hosking and Wallis for the exceedance 1 - F.
    weighted += (excesses[i]! * (1 - (i + 1 - 0.35) / n)) / n;
  }
  if (n === 0 || mean <= 0) return { shape: 0, scale: Number.MIN_VALUE };
  const shape = 2 - mean / (mean - 2 * weighted);
  if (!(shape > 0)) return { shape: 0, scale: mean };
  const kept = Math.min(shape, SHAPE_MOST);
  return { shape: kept, scale: mean * (1 - kept) };
}

/** P(excess > x). */
export function gpdSurvival(tail: GpdTail, x: number): number {
  if (tail.shape === 0) return Math.exp(-x / tail.scale);
  return Math.pow(1 + (tail.shape * x) / tail.scale, -1 / tail.shape);
}
