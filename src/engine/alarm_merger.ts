import { compareAlarms, type Alarm } from '../domain/incident.js';
import { compareOrder, type Order } from '../domain/order.js';

/** Before everything, and after everything. */
export const RUN_START: Order = { timeUs: -Infinity, index: -Infinity, sub: 0 };
export const RUN_END: Order = { timeUs: Infinity, index: Infinity, sub: 0 };

/**
 * Puts the alarms of all shards into the total order of the run.
 *
 * A shard's watermark is a promise: its later alarms do not come before it. Alarms before the
 * smallest watermark are therefore complete and may be taken; the rest waits.
 */
export class AlarmMerger {
  readonly #watermarks: Order[];
  #waiting: Alarm[] = [];
  #safe: Order = RUN_START;

  constructor(shards: number) {
    this.#watermarks = new Array<Order>(shards).fill(RUN_START);
  }

  /** Everything that comes before this moment is complete. */
  get safe(): Order {
    return this.#safe;
  }

  /** Time of the earliest alarm that waits; Infinity when none does. */
  get nextUs(): number {
    return this.#waiting[0]?.order.timeUs ?? Infinity;
  }

  /** Takes what a shard said; `watermark` RUN_END says that it has ended. */
  advance(shard: number, alarms: readonly Alarm[], watermark: Order): void {
    if (alarms.length > 0) {
      this.#waiting.push(...alarms);
      this.#waiting.sort(compareAlarms);
    }
    this.#watermarks[shard] = watermark;
    this.#safe = this.#watermarks.reduce((a, b) => (compareOrder(a, b) <= 0 ? a : b));
  }

  /** Removes and returns the alarms before `limit`, which must not come after `safe`. */
  take(limit: Order): readonly Alarm[] {
    let n = 0;
    while (n < this.#waiting.length && compareOrder(this.#waiting[n]!.order, limit) < 0) n++;
    return n === 0 ? NONE : this.#waiting.splice(0, n);
  }
}

const NONE: readonly Alarm[] = [];
