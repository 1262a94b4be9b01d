import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

export const HOURS_PER_WEEK = 168;
const COUNT_MOST = 255;
/** A typed array of its own takes 450 bytes, which are as many as 48 pairs. */
const PAIRS_MOST = 48;
const NO_PAIRS: never[] = [];

/**
 * A count to 255 for each hour of the week. Few hours lie in a list of pairs, the hour above the 8
 * bits of its count: most entities are active in few, or are forgotten before the day is over.
 */
export class HoursOfWeek {
  #pairs: number[] = NO_PAIRS;
  #all: Uint8Array | null = null;

  /** @param slot hour of the week, 0 to 167 */
  count(slot: number): number {
    if (this.#all !== null) return this.#all[slot]!;
    const place = this.#placeOf(slot);
    return place < 0 ? 0 : this.#pairs[place]! & COUNT_MOST;
  }

  add(slot: number): void {
    if (this.count(slot) === COUNT_MOST) return;
    if (this.#all === null && this.#placeOf(slot) < 0) this.#append(slot);
    if (this.#all !== null) this.#all[slot]!++;
    else this.#pairs[this.#placeOf(slot)]!++;
  }

  /** All counts, a byte each. */
  save(out: StateWriter): void {
    out.bytes(this.#all ?? this.#spread());
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    const counts = from.bytes();
    from.expect(counts.length === HOURS_PER_WEEK);
    const active = [...counts.keys()].filter((slot) => counts[slot]! > 0);
    if (active.length > PAIRS_MOST) this.#all = counts.slice();
    else this.#pairs = active.map((slot) => pairOf(slot, counts[slot]!));
  }

  /** Negative when its count is 0. */
  #placeOf(slot: number): number {
    let place = this.#pairs.length - 1;
    while (place >= 0 && this.#pairs[place]! >>> 8 !== slot) place--;
    return place;
  }

  #append(slot: number): void {
    // One that is pushed to makes room for 16 more.
    if (this.#pairs.length < PAIRS_MOST) this.#pairs = this.#pairs.concat(pairOf(slot, 0));
    else {
      this.#all = this.#spread();
      this.#pairs = NO_PAIRS;
    }
  }

  #spread(): Uint8Array {
    const all = new Uint8Array(HOURS_PER_WEEK);
    for (const pair of this.#pairs) all[pair >>> 8] = pair & COUNT_MOST;
    return all;
  }
}

function pairOf(slot: number, count: number): number {
  return (slot << 8) | count;
}
