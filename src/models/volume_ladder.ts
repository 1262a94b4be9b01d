import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import { betaPredictive } from './bernoulli.js';

/** The first step of a ladder, bytes, and by how much each next one is larger. */
const FIRST_BYTES = 16_384;
const STEP_FACTOR = 4;

/** Steps above the first: the last is 16 GiB. */
export const LADDER_STEPS = 10;

/** Kinds of destinations: new to the device or known; used by other devices or by none. */
export const LADDER_CELLS = 4;

/** How long a ladder is climbed: an hour, and a day. */
export const LADDER_SPANS_US = [3600e6, 86_400e6] as const;
export const LADDER_SPANS = LADDER_SPANS_US.length;

/** Climbed and ended, of each step, kind and span. */
export const LADDER_COUNTS = 2 * LADDER_SPANS * LADDER_CELLS * LADDER_STEPS;

/** Until a network has shown otherwise, two of five volumes go on to four times its size. */
const PRIOR = { a: 2, b: 3 };

/** Half-life of what was learned, in ticks: 14 days. */
const HALF_LIFE = 14 * 17_280;

/** The step that a volume has reached, from 0; -1 below the first. */
export function stepOf(bytes: number): number {
  if (bytes < FIRST_BYTES) return -1;
  const step = Math.floor(Math.log(bytes / FIRST_BYTES) / Math.log(STEP_FACTOR) + 1e-9);
  return Math.min(LADDER_STEPS, step);
}

/** Bytes of a step. */
export function bytesOf(step: number): number {
  return FIRST_BYTES * STEP_FACTOR ** step;
}

/** Where the counts of a step lie: climbed, then ended. */
export function countAt(span: number, cell: number, step: number): number {
  return 2 * ((span * LADDER_CELLS + cell) * LADDER_STEPS + step);
}

/**
 * How often a volume sent to one destination that has reached a step goes on to the next before its
 * hour or day is over, in the network. The tail of volumes, piece by piece, so that each piece can be
 * bet on at the moment it is climbed.
 */
export class LadderPool {
  readonly #counts = new Float64Array(LADDER_COUNTS);
  #tick = 0;

  /** Learns the counts of one tick. Ticks rise. */
  learn(tick: number, counts: Float64Array): void {
    const factor = this.#tick === 0 ? 1 : Math.pow(0.5, (tick - this.#tick) / HALF_LIFE);
    this.#tick = tick;
    for (let i = 0; i < LADDER_COUNTS; i++)
      this.#counts[i] = this.#counts[i]! * factor + counts[i]!;
  }

  save(out: StateWriter): void {
    out.f64s(this.#counts);
    out.flag(this.#tick !== 0);
    out.f64(this.#tick);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#counts.set(from.f64s(LADDER_COUNTS));
    const hasLearned = from.flag();
    const tick = from.time(TICK_US);
    this.#tick = hasLearned ? tick : 0;
  }

  /** P(the next step is reached | this one is). */
  climb(span: number, cell: number, step: number): number {
    const at = countAt(span, cell, step);
    return betaPredictive(PRIOR, this.#counts[at]!, this.references(span, cell, step));
  }

  /** Volumes behind `climb`. */
  references(span: number, cell: number, step: number): number {
    const at = countAt(span, cell, step);
    return this.#counts[at]! + this.#counts[at + 1]!;
  }
}
