/** One judged unit: its score, and whether it was an attack. */
export interface Judged {
  readonly score: number;
  readonly isAttack: boolean;
}

export interface RocPoint {
  readonly fpr: number;
  readonly tpr: number;
}

/**
 * The curve from (0, 0) to (1, 1), a point for each distinct score. Empty when there are no attacks
 * or nothing else.
 */
export function rocOf(units: readonly Judged[]): RocPoint[] {
  const attacks = units.filter(({ isAttack }) => isAttack).length;
  const others = units.length - attacks;
  if (attacks === 0 || others === 0) return [];
  const sorted = units.toSorted((a, b) => b.score - a.score);
  const points: RocPoint[] = [{ fpr: 0, tpr: 0 }];
  let [hits, falses] = [0, 0];
  sorted.forEach(({ score, isAttack }, i) => {
    if (isAttack) hits++;
    else falses++;
    if (sorted[i + 1]?.score !== score) points.push({ fpr: falses / others, tpr: hits / attacks });
  });
  return points;
}

/** Area below the curve; ties count half. NaN without a curve. */
export function areaOf(roc: readonly RocPoint[]): number {
  if (roc.length === 0) return NaN;
  return roc.slice(1).reduce((area, { fpr, tpr }, i) => {
    return area + ((fpr - roc[i]!.fpr) * (tpr + roc[i]!.tpr)) / 2;
  }, 0);
}

/** The largest share of attacks that a threshold finds with at most this share of false alarms. */
export function hitsAt(roc: readonly RocPoint[], fprMost: number): number {
  if (roc.length === 0) return NaN;
  return Math.max(0, ...roc.filter(({ fpr }) => fpr <= fprMost).map(({ tpr }) => tpr));
}

/** Where misses and false alarms are equally frequent, between two points of the curve. */
export function equalErrorOf(roc: readonly RocPoint[]): number {
  if (roc.length === 0) return NaN;
  const at = roc.findIndex(({ fpr, tpr }) => fpr >= 1 - tpr);
  const [before, after] = [roc[at - 1]!, roc[at]!];
  const gapBefore = 1 - before.tpr - before.fpr;
  const gapAfter = 1 - after.tpr - after.fpr;
  const share = gapBefore === gapAfter ? 0 : gapBefore / (gapBefore - gapAfter);
  return before.fpr + share * (after.fpr - before.fpr);
}

/**
 * Upper end of the one-sided 95 % interval of a Poisson mean when `n` were seen: the mean under which
 * so few come in one of twenty. 3.0 for none.
 */
export function poissonUpper95(n: number): number {
  let [low, high] = [n, 3 + 2 * n + 20];
  for (let i = 0; i < 100; i++) {
    const mean = (low + high) / 2;
    if (poissonAtMost(n, mean) > 0.05) low = mean;
    else high = mean;
  }
  return high;
}

function poissonAtMost(n: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let k = 1; k <= n; k++) {
    term *= mean / k;
    sum += term;
  }
  return sum;
}

/** NaN of nothing. */
export function quantileOf(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  return low + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - low);
}

const RESAMPLES = 200;

/**
 * The middle 95 % of a figure when whole groups (captures, each of a seed) are drawn anew with
 * replacement. NaN where it has no value.
 */
export function bootstrap<T>(
  groups: readonly T[],
  figure: (groups: readonly T[]) => number,
  random: () => number,
): readonly [low: number, high: number] {
  const figures: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = groups.map(() => groups[Math.floor(random() * groups.length)]!);
    const value = figure(drawn);
    if (!Number.isNaN(value)) figures.push(value);
  }
  return [quantileOf(figures, 0.025), quantileOf(figures, 0.975)];
}
