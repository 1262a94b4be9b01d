import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { GuardedLevel } from './guarded_level.js';

/** What is sent is added up over five minutes; so many of them wait in quarantine. */
const SLOT_US = 300e6;
const SLOTS_WAITING = 8;

/**
 * How much a device usually sends out of its network in five minutes, learned so that it cannot be
 * raised slowly (models/guarded_level.ts), and the evidence that somebody tries.
 */
export class UploadHabit {
  readonly #level = new GuardedLevel(SLOTS_WAITING);
  #slot = -Infinity;
  #bytes = 0;
  #isClean = true;
  /** CUSUM of the days' evidence, nats: above about 12 the device sends more and more. */
  driftNats = 0;

  /** Days that it was learned in. */
  get days(): number {
    return this.#level.days;
  }

  /** Bytes in five minutes: as it was learned, and on the last day; NaN before there is one. */
  get usualBytes(): number {
    return this.#level.level;
  }

  get lastDayBytes(): number {
    return this.#level.speeds[0];
  }

  /** Times rise. @param isClean whether the device is in good standing */
  add(bytes: number, atUs: number, isClean: boolean): void {
    const slot = Math.floor(atUs / SLOT_US);
    if (slot > this.#slot) this.#endSlot(slot);
    this.#bytes += bytes;
    this.#isClean &&= isClean;
  }

  #endSlot(next: number): void {
    if (this.#slot !== -Infinity) {
      const verdict = this.#level.learn(this.#bytes, this.#slot * SLOT_US, {
        isClean: this.#isClean,
      });
      if (verdict !== null) this.driftNats = Math.max(0, this.driftNats + verdict.lnE);
    }
    this.#slot = next;
    this.#bytes = 0;
    this.#isClean = true;
  }

  save(out: StateWriter): void {
    this.#level.save(out);
    out.f64s([this.#slot, this.#bytes, this.driftNats]);
    out.flag(this.#isClean);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#level.restore(from);
    this.#slot = from.time(SLOT_US);
    this.#bytes = from.f64();
    this.driftNats = from.f64();
    this.#isClean = from.flag();
  }
}
