/**
 * The total order of everything that happens in a run: engine time, then the index in the input of
 * the packet behind it, then a sub-index. It does not depend on how many lanes or shards there are.
 */
export interface Order {
  /** Engine time, microseconds. */
  readonly timeUs: number;
  readonly index: number;
  readonly sub: number;
}

/** Negative when `a` comes first, positive when `b` does, 0 when they are the same moment. */
export function compareOrder(a: Order, b: Order): number {
  return a.timeUs - b.timeUs || a.index - b.index || a.sub - b.sub;
}
