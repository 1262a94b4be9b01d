import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** How long a lesson waits for its teacher to be found out, microseconds: half an hour. */
export const LEARNING_DELAY_US = 1800e6;

/**
 * Lessons that wait before a model learns them. What an entity did in the half hour before it
 * became suspicious is thrown away with what it does while it is: an attacker that is noticed has
 * taught nothing.
 *
 * Bounded: of more lessons in half an hour than it holds, the latest is left out, which is counted.
 */
export class Quarantine {
  readonly #values: Float64Array;
  readonly #times: Float64Array;
  #first = 0;
  #size = 0;
  /** Lessons left out because there were too many, and because of their teacher. */
  refusals = 0;
  discards = 0;

  /** @param most lessons that wait at one time */
  constructor(most: number) {
    this.#values = new Float64Array(most);
    this.#times = new Float64Array(most);
  }

  get size(): number {
    return this.#size;
  }

  /** Times rise. */
  add(value: number, atUs: number): void {
    if (this.#size === this.#values.length) {
      this.refusals++;
      return;
    }
    const slot = (this.#first + this.#size) % this.#values.length;
    this.#values[slot] = value;
    this.#times[slot] = atUs;
    this.#size++;
  }

  /** Gives what has waited long enough, oldest first. */
  release(nowUs: number, learn: (value: number, atUs: number) => void): void {
    while (this.#size > 0 && this.#times[this.#first]! <= nowUs - LEARNING_DELAY_US) {
      const slot = this.#first;
      this.#first = (this.#first + 1) % this.#values.length;
      this.#size--;
      learn(this.#values[slot]!, this.#times[slot]!);
    }
  }

  /** Its teacher is suspicious. */
  discard(): void {
    this.discards += this.#size;
    this.#size = 0;
  }

  save(out: StateWriter): void {
    out.u32(this.#size);
    for (let i = 0; i < this.#size; i++) {
      const slot = (this.#first + i) % this.#values.length;
      out.f64s([this.#values[slot]!, this.#times[slot]!]);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    const n = from.count(this.#values.length);
    for (let i = 0; i < n; i++) this.add(from.f64(), from.time());
  }
}
