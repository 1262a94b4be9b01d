/** Words for numbers, as detectors say them. */

/** "1 port", "3 ports", "20,000 ports". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** A duration in the unit that suits it: "0.4 s", "12 s", "5 min", "3.5 h". */
export function lasting(us: number): string {
  const seconds = Math.max(0, us) / 1e6;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** 12345 as "12,345"; the same on every machine. */
export function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}
