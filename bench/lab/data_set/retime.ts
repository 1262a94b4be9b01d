/** How the pauses of an attack are made longer or shorter. */
export interface Retiming {
  /** When the first packet comes, microseconds since 1970. */
  readonly startUs: number;
  /** By how much pauses are multiplied. */
  readonly stretch: number;
  /** Gaps up to this are delays of machines and stay; of longer ones this much stays. */
  readonly keepUs: number;
}

/** New times for packets in time order; the order stays. */
export function retimed(timesUs: readonly number[], retiming: Retiming): number[] {
  const { startUs, stretch, keepUs } = retiming;
  let nowUs = startUs;
  return timesUs.map((timeUs, i) => {
    const gapUs = i === 0 ? 0 : Math.max(0, timeUs - timesUs[i - 1]!);
    nowUs += gapUs <= keepUs ? gapUs : keepUs + (gapUs - keepUs) * stretch;
    return Math.round(nowUs);
  });
}
