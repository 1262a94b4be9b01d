import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { P_FLOOR_FITTED } from './e_value.js';
import { fitGpd, gpdSurvival, type GpdTail } from './gpd.js';

/** References kept: the last accepted scores. */
const CAPACITY = 4000;

/** Share of the references that is the tail. */
const TAIL_SHARE = 0.05;

/** Below so many references there is no tail to fit, and p is the plain rank. */
const TAIL_MIN_REFERENCES = 400;

/** Accepted scores between two sortings of the references and fits of the tail. */
const REFIT_EVERY = 50;

/** Flagged scores stay out, but never more than this share, or alarms would stop all learning. */
const REFUSED_SHARE_MOST = 0.02;
const FLAGGED_BELOW_P = 1e-3;

const NONE = new Float64Array(0);

/**
 * Rolling conformal rank: which share of past scores was as high as this one, with a generalised
 * Pareto tail beyond the highest of them. 96 kB when full.
 *
 * `p` and `accept` are apart, so that what is judged has not been learned yet.
 */
export class ConformalRank {
  readonly #ring = new Float64Array(CAPACITY);
  #sorted: Float64Array = NONE;
  /** What the references were before: their memory is used in turn. */
  #spare: Float64Array = NONE;
  #n = 0;
  #next = 0;
  /** Scores that came, and that gave way to them, since the references were last sorted. */
  readonly #came = new Float64Array(REFIT_EVERY);
  readonly #left = new Float64Array(REFIT_EVERY);
  #stale = 0;
  #nLeft = 0;
  #accepted = 0;
  #refused = 0;
  #threshold = Infinity;
  #tail: GpdTail | null = null;

  /** References behind a p now. */
  get size(): number {
    return this.#sorted.length;
  }

  /** p-value of a score: small when it is higher than what was seen before. */
  p(score: number): number {
    if (this.#tail !== null && score > this.#threshold) {
      const beyond = gpdSurvival(this.#tail, score - this.#threshold);
      return Math.max(P_FLOOR_FITTED, TAIL_SHARE * beyond);
    }
    return this.rank(score);
  }

  /** p-value of a score by its rank alone, which never goes beyond what was seen. */
  rank(score: number): number {
    const n = this.#sorted.length;
    return (1 + n - lowerBound(this.#sorted, score)) / (n + 1);
  }

  /** Learns a score, unless it stands out too much (and not too many did). */
  accept(score: number): void {
    if (this.#standsOut(score) && this.#mayRefuse()) {
      this.#refused++;
      return;
    }
    this.#accepted++;
    if (this.#n === CAPACITY) this.#left[this.#nLeft++] = this.#ring[this.#next]!;
    else this.#n++;
    this.#ring[this.#next] = score;
    this.#next = (this.#next + 1) % CAPACITY;
    this.#came[this.#stale++] = score;
    if (this.#stale >= REFIT_EVERY || this.#n < REFIT_EVERY) this.#refit();
  }

  /** The score that a share `q` of the references stays below; NaN without references. */
  quantile(q: number): number {
    return this.#sorted[Math.min(this.size - 1, Math.floor(q * this.size))] ?? NaN;
  }

  save(out: StateWriter): void {
    out.u32(this.#n);
    out.f64s(this.#ring.subarray(0, this.#n));
    out.u32(this.#next);
    out.u32(this.#stale);
    out.f64s(this.#came.subarray(0, this.#stale));
    out.u32(this.#nLeft);
    out.f64s(this.#left.subarray(0, this.#nLeft));
    out.f64(this.#accepted);
    out.f64(this.#refused);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#n = from.count(CAPACITY);
    this.#ring.set(from.f64s(this.#n));
    this.#next = from.u32() % CAPACITY;
    this.#stale = from.count(REFIT_EVERY - 1);
    this.#came.set(from.f64s(this.#stale));
    this.#nLeft = from.count(this.#stale);
    this.#left.set(from.f64s(this.#nLeft));
    this.#accepted = from.natural();
    this.#refused = from.natural();
    const came = this.#came.slice(0, this.#stale).sort();
    const left = this.#left.slice(0, this.#nLeft).sort();
    const ring = this.#ring.slice(0, this.#n).sort();
    // What the references were when they were last sorted: without what came since.
    this.#sorted = exchanged(ring, came, left, NONE);
    this.#fitTail();
  }

  /** Only what lies in the tail can be so rare; the tail begins where there are references enough. */
  #standsOut(score: number): boolean {
    return score > this.#threshold && this.p(score) < FLAGGED_BELOW_P;
  }

  #mayRefuse(): boolean {
    return this.#refused < REFUSED_SHARE_MOST * (this.#accepted + this.#refused);
  }

  #refit(): void {
    const came = this.#came.subarray(0, this.#stale).sort();
    const left = this.#left.subarray(0, this.#nLeft).sort();
    const before = this.#sorted;
    this.#sorted = exchanged(before, left, came, this.#spare);
    this.#spare = before;
    this.#stale = 0;
    this.#nLeft = 0;
    this.#fitTail();
  }

  #fitTail(): void {
    const n = this.#sorted.length;
    if (n < TAIL_MIN_REFERENCES) return;
    const first = Math.floor((1 - TAIL_SHARE) * n);
    const threshold = this.#sorted[first - 1]!;
    this.#threshold = threshold;
    const excesses = this.#sorted.slice(first);
    for (let i = 0; i < excesses.length; i++) excesses[i]! -= threshold;
    // Ties at the threshold have no tail to fit: of a count that is mostly 0, 1 is not impossible.
    this.#tail = excesses[excesses.length >> 1] === 0 ? null : fitGpd(excesses);
  }
}

/**
 * Ascending values without those that left, which are among them, and with those that came.
 */
function exchanged(
  values: Float64Array,
  left: Float64Array,
  came: Float64Array,
  spare: Float64Array,
): Float64Array {
  const size = Math.max(0, values.length - left.length + came.length);
  const out = spare.length === size ? spare : new Float64Array(size);
  let nLeft = 0;
  let nCame = 0;
  let from = 0;
  let n = 0;
  while (nLeft < left.length || nCame < came.length) {
    // What leaves goes first, as long as it is not larger.
    const isLeaving = nLeft < left.length && !(came[nCame]! < left[nLeft]!);
    const next = isLeaving ? left[nLeft]! : came[nCame]!;
    // Within bounds also where a saved state says that somebody left who was never there.
    const until = Math.min(lowerBound(values, next, from), from + Math.max(0, size - n));
    // By hand: between two of a hundred there are too few to be worth a call.
    while (from < until) out[n++] = values[from++]!;
    if (isLeaving) {
      nLeft++;
      from = Math.min(from + 1, values.length);
    } else {
      out[n++] = came[nCame++]!;
    }
  }
  while (n < size && from < values.length) out[n++] = values[from++]!;
  return out;
}

/** How many of the ascending values lie below `x`. */
function lowerBound(sorted: Float64Array, x: number, from = 0): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
