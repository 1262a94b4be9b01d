import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Windows that a client has to complete its handshake in: 1 s of 100 ms windows. */
export const HANDSHAKE_WINDOWS = 10;

/** Weight of a new window in the running means: they follow within about 2 s. */
const FOLLOW = 0.05;

/**
 * Which connection requests of a victim were never completed, from counts alone.
 *
 * Requests wait in the window they came in; answers that were acknowledged, and resets, pay for the
 * oldest first. What is not paid for after one second was half-open. That second is what tells a
 * flash crowd, whose acknowledgements come a round trip later, from a flood, whose never come, also
 * when the victim answers every request.
 *
 * Acknowledgements of data look like those of handshakes. Of all that arrive, as many as arrived
 * before beyond the completed handshakes are taken to be data.
 */
export class HandshakeBalance {
  /** Requests of the last windows that nothing has paid for, by window number modulo their count. */
  readonly #waiting = new Float64Array(HANDSHAKE_WINDOWS);
  /** Answers that were given in them. */
  readonly #answered = new Float64Array(HANDSHAKE_WINDOWS);
  /** 1 for windows that had requests: one with all of them completed counts too. */
  readonly #asked = new Uint8Array(HANDSHAKE_WINDOWS);
  #lastWindow = -1;
  /** Answers that nobody has acknowledged yet. */
  #answers = 0;
  #acksMean = 0;
  /** Completed handshakes per window, running mean. */
  completedMean = 0;
  /** Half-open requests of the windows whose second ended in the last `reach`, and those windows. */
  readonly expired: number[] = [];
  readonly expiredWindows: number[] = [];
  /** How many of them were answered, in the same order: a victim that is down answers none. */
  readonly expiredAnswered: number[] = [];

  get isWaiting(): boolean {
    return this.#asked.includes(1);
  }

  /** Time has come to `window`: fills `expired`. */
  reach(window: number): void {
    this.expired.length = 0;
    this.expiredWindows.length = 0;
    this.expiredAnswered.length = 0;
    if (this.#lastWindow < 0) this.#lastWindow = window;
    const steps = Math.min(window - this.#lastWindow, HANDSHAKE_WINDOWS);
    for (let step = 1; step <= steps; step++) {
      const slot = (this.#lastWindow + step) % HANDSHAKE_WINDOWS;
      if (this.#asked[slot] === 1) {
        this.expired.push(this.#waiting[slot]!);
        this.expiredAnswered.push(Math.min(this.#answered[slot]!, this.#waiting[slot]!));
        this.expiredWindows.push(this.#lastWindow + step - HANDSHAKE_WINDOWS);
      }
      this.#waiting[slot] = 0;
      this.#answered[slot] = 0;
      this.#asked[slot] = 0;
    }
    this.#lastWindow = Math.max(window, this.#lastWindow);
  }

  /** Counts what came and went in the window that `reach` named. */
  add(counts: {
    readonly synIn: number;
    readonly synAckOut: number;
    readonly ackIn: number;
    readonly rstOut: number;
  }): void {
    const slot = this.#lastWindow % HANDSHAKE_WINDOWS;
    this.#waiting[slot]! += counts.synIn;
    if (counts.synIn > 0) this.#asked[slot] = 1;
    this.#answered[slot]! += counts.synAckOut;
    this.#answers += counts.synAckOut;
    const data = Math.max(0, this.#acksMean - this.completedMean);
    const completed = this.#pay(Math.min(this.#answers, Math.max(0, counts.ackIn - data)));
    this.#answers -= completed;
    this.#pay(counts.rstOut);
    this.#answers = Math.min(this.#answers, this.#total());
    this.#acksMean += FOLLOW * (counts.ackIn - this.#acksMean);
    this.completedMean += FOLLOW * (completed - this.completedMean);
  }

  save(out: StateWriter): void {
    out.f64s(this.#waiting);
    out.f64s(this.#answered);
    out.f64s(this.#asked);
    out.f64(this.#lastWindow);
    out.f64(this.#answers);
    out.f64(this.#acksMean);
    out.f64(this.completedMean);
  }

  restore(from: StateReader, windowUs: number): void {
    this.#waiting.set(from.f64s(HANDSHAKE_WINDOWS));
    this.#answered.set(from.f64s(HANDSHAKE_WINDOWS));
    this.#asked.set(from.f64s(HANDSHAKE_WINDOWS));
    this.#lastWindow = from.time(windowUs);
    this.#answers = from.f64();
    this.#acksMean = from.f64();
    this.completedMean = from.f64();
    // Handshakes of another time are not under way.
    if (from.shiftUs === 0) return;
    this.#waiting.fill(0);
    this.#answered.fill(0);
    this.#asked.fill(0);
    this.#answers = 0;
  }

  /** Takes up to `amount` off the waiting requests, oldest first; returns how much it took. */
  #pay(amount: number): number {
    let left = amount;
    for (let age = HANDSHAKE_WINDOWS - 1; age >= 0 && left > 0; age--) {
      const slot = (this.#lastWindow + HANDSHAKE_WINDOWS - age) % HANDSHAKE_WINDOWS;
      const paid = Math.min(left, this.#waiting[slot]!);
      this.#waiting[slot]! -= paid;
      left -= paid;
    }
    return amount - left;
  }

  #total(): number {
    let total = 0;
    for (const requests of this.#waiting) total += requests;
    return total;
  }
}
