import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { clamp } from './bernoulli.js';
import { Quarantine } from './quarantine.js';

const DAY_US = 86_400e6;

/** Days that the reference is made of; until then the model follows as it is taught. */
export const ANCHOR_DAYS = 14;
/** How far the model moves in a day by itself, in ln: about 7 % a week. */
const DRIFT_MOST = 0.01;
/** Standard errors of a day that are no surprise; each above is a nat of evidence. */
const SLACK = 0.5;
/** Nats of one day at most, so that one odd day is not a drift. */
const DAY_NATS_MOST = 4;
/** Fewer lessons say nothing about a day. */
const LESSONS_LEAST = 12;
/** Days of the two slower memories; the fastest is the last day alone. */
const MIDDLE_DAYS = 14;
const SLOW_DAYS = 90;
/** Bins of a day, and what they cover in ln: 1/8 ln is 13 %. */
const BINS = 256;
const BIN_LN = 1 / 8;
const LEAST_LN = -4;
/** The spread of 14 daily medians is itself uncertain: what a t distribution adds. */
const SPREAD_DOUBT = 1.1;
/** No day is more exact than this, in ln. */
const ERROR_LEAST = 0.02;

/** What one day said. */
export interface DayVerdict {
  /** ln of a bet against "as it always was": its sum above about 12 is a drift. */
  readonly lnE: number;
  /** ln of how far the day lies above the model. */
  readonly excess: number;
  /** Squared distance of the last day from the slow memory in errors, halved: nats. */
  readonly disagreement: number;
}

/**
 * The usual level of a positive quantity of one entity, learned so that it cannot be taught slowly
 * what would not be believed at once ("boiling the frog").
 *
 * - Lessons wait half an hour and are thrown away when their teacher turns suspicious
 *   (models/quarantine.ts).
 * - A day counts by its median, so that no few lessons move it, however large.
 * - After two weeks the model moves 0.01 ln a day at most, unless half of the peers move that way.
 * - Each day is bet on by how far its median lies above the model in standard errors:
 *   ln E = z - 1/2, the likelihood ratio of a level one error higher; a drift faster than the model
 *   may follow wins a little more every day.
 * - The last day, two weeks and three months are kept apart: who changed can be told from who is
 *   changing.
 *
 * Memory: 0.6 kB and 16 B a lesson that waits. Evasion: growing slower than the model follows, 1.35
 * times in 30 days. Counter: the slow memory sees that.
 */
export class GuardedLevel {
  readonly #quarantine: Quarantine;
  readonly #bins = new Uint16Array(BINS);
  #lessons = 0;
  #day = NaN;
  #days = 0;
  #model = NaN;
  /** Of the first days: their sum and that of their squares, for the error of a day. */
  #sum = 0;
  #squares = 0;
  #fast = NaN;
  #middle = NaN;
  #slow = NaN;

  /** @param lessonsWaiting lessons that half an hour may bring */
  constructor(lessonsWaiting: number) {
    this.#quarantine = new Quarantine(lessonsWaiting);
  }

  /** Days that were learned from. */
  get days(): number {
    return this.#days;
  }

  /** The usual level; NaN before the first day has passed. */
  get level(): number {
    return Math.exp(this.#model);
  }

  /** Of the last day, the last weeks, the last months. */
  get speeds(): readonly [fast: number, middle: number, slow: number] {
    return [Math.exp(this.#fast), Math.exp(this.#middle), Math.exp(this.#slow)];
  }

  /**
   * Learns what was seen in one tick, later. Times rise.
   * @param value at least 0; what is 0 teaches nothing about how much there is of it
   * @param isClean whether its teacher is in good standing
   * @param peersMoved by how much the level of at least half of the peers rose since yesterday, ln
   * @returns what the day said that this lesson ended; null within a day
   */
  learn(
    value: number,
    atUs: number,
    { isClean, peersMoved = 0 }: { isClean: boolean; peersMoved?: number },
  ): DayVerdict | null {
    if (!isClean) this.#quarantine.discard();
    else if (value > 0) this.#quarantine.add(Math.log(value), atUs);
    let verdict: DayVerdict | null = null;
    this.#quarantine.release(atUs, (ln, thenUs) => {
      const day = Math.floor(thenUs / DAY_US);
      if (day !== this.#day) {
        verdict = this.#endDay(peersMoved) ?? verdict;
        this.#day = day;
      }
      this.#count(ln);
    });
    return verdict;
  }

  /** An operator says that what it is now is right: the model begins anew from there. */
  approve(): void {
    if (this.#days === 0) return;
    this.#model = this.#fast;
    this.#middle = this.#fast;
  }

  #count(ln: number): void {
    const bin = clamp(Math.floor((ln - LEAST_LN) / BIN_LN), 0, BINS - 1);
    // A day of more lessons than a bin can count is known well enough.
    if (this.#bins[bin]! < 0xffff) this.#bins[bin]!++;
    this.#lessons++;
  }

  #endDay(peersMoved: number): DayVerdict | null {
    const hasEnough = this.#lessons >= LESSONS_LEAST;
    const median = hasEnough ? this.#median() : NaN;
    this.#bins.fill(0);
    this.#lessons = 0;
    if (!hasEnough) return null;
    const verdict = this.#days < ANCHOR_DAYS ? null : this.#judge(median);
    this.#follow(median, peersMoved);
    return verdict;
  }

  #judge(median: number): DayVerdict {
    const error = this.#error();
    const z = (median - this.#model) / error;
    const apart = (median - this.#slow) / error;
    return {
      lnE: Math.min(DAY_NATS_MOST, z - SLACK),
      excess: median - this.#model,
      disagreement: (apart * apart) / 2,
    };
  }

  #follow(median: number, peersMoved: number): void {
    this.#days++;
    const weight = Math.max(1 / this.#days, 1 / ANCHOR_DAYS);
    if (this.#days <= ANCHOR_DAYS) {
      this.#sum += median;
      this.#squares += median * median;
      this.#model = this.#days === 1 ? median : this.#model + (median - this.#model) * weight;
    } else {
      const most = Math.max(DRIFT_MOST, peersMoved);
      const least = Math.min(-DRIFT_MOST, peersMoved);
      this.#model += clamp(median - this.#model, least, most);
    }
    this.#fast = median;
    this.#middle = blended(this.#middle, median, Math.max(1 / this.#days, 1 / MIDDLE_DAYS));
    this.#slow = blended(this.#slow, median, Math.max(1 / this.#days, 1 / SLOW_DAYS));
  }

  /** How much a day differs from another while nothing changes. */
  #error(): number {
    const mean = this.#sum / ANCHOR_DAYS;
    const variance = (this.#squares - ANCHOR_DAYS * mean * mean) / (ANCHOR_DAYS - 1);
    return Math.max(ERROR_LEAST, SPREAD_DOUBT * Math.sqrt(Math.max(0, variance)));
  }

  /** Within its bin as if lessons were spread evenly over it. */
  #median(): number {
    let total = 0;
    for (const n of this.#bins) total += n;
    let below = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const n = this.#bins[bin]!;
      if (below + n >= total / 2) {
        return LEAST_LN + (bin + (total / 2 - below) / n) * BIN_LN;
      }
      below += n;
    }
    return LEAST_LN;
  }

  save(out: StateWriter): void {
    this.#quarantine.save(out);
    out.f64s(this.#bins);
    out.f64s([this.#lessons, this.#day, this.#days, this.#model, this.#sum, this.#squares]);
    out.f64s([this.#fast, this.#middle, this.#slow]);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#quarantine.restore(from);
    this.#bins.set(from.f64s(BINS));
    this.#lessons = from.natural();
    this.#day = from.time(DAY_US);
    this.#days = from.natural();
    this.#model = from.f64();
    this.#sum = from.f64();
    this.#squares = from.f64();
    this.#fast = from.f64();
    this.#middle = from.f64();
    this.#slow = from.f64();
  }
}

function blended(memory: number, value: number, weight: number): number {
  return Number.isNaN(memory) ? value : memory + (value - memory) * weight;
}
