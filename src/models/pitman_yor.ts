/** Discount and concentration of the two-parameter Pitman-Yor process. */
const DISCOUNT = 0.5;
const CONCENTRATION = 2;

/** What a level of the back-off has seen: events in all, and kinds of events. */
export interface Seen {
  readonly total: number;
  readonly kinds: number;
}

/**
 * Predictive probability of a kind of event that was seen `count` times before, when the level below
 * gives it `base`: the more kinds a source has shown, the more likely is another new one.
 */
export function pitmanYor(count: number, seen: Seen, base: number): number {
  const known = Math.max(count - DISCOUNT, 0);
  const open = CONCENTRATION + DISCOUNT * seen.kinds;
  return (known + open * base) / (CONCENTRATION + seen.total);
}
