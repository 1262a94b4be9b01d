import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

const BINS = 64;
const COUNT_MOST = 8192;
const NO_BINS: never[] = [];

/**
 * How often one entity had which value, for a row of features at once: 64 bins each of equal width.
 * When it has seen 8,192 values the counts are halved, so that what is past fades.
 *
 * Only bins that are not empty are kept, the position of each above 16 bits of its count, positions
 * ascending, 8 bytes a bin: a device has 3 to 8 of a feature's.
 */
export class SelfHistogram {
  readonly #features: number;
  readonly #binWidth: number;
  /** Of its places the first `#used` are taken. */
  #bins: number[] = NO_BINS;
  #used = 0;
  #n = 0;

  /** @param binWidth of values, which lie from 0 to 64 times of it */
  constructor(features: number, binWidth: number) {
    this.#features = features;
    this.#binWidth = binWidth;
  }

  /** Values learned, of each feature. */
  get size(): number {
    return this.#n;
  }

  /** Share of past values that were at least as high (or as low), the asked one counted with them. */
  p(feature: number, value: number, isLow: boolean): number {
    const bin = this.#binOf(value);
    const first = feature * BINS;
    const from = isLow ? first : first + bin;
    const end = isLow ? first + bin + 1 : first + BINS;
    const bins = this.#bins;
    let count = 0;
    for (let i = this.#lowerBound(from); i < this.#used && bins[i]! >>> 16 < end; i++) {
      count += bins[i]! & 0xffff;
    }
    return Math.min(1, (1 + count) / (1 + this.#n));
  }

  /** Learns one value of each feature. */
  learn(values: Float64Array): void {
    if (this.#n === COUNT_MOST) this.#halve();
    this.#n++;
    let i = 0;
    for (let feature = 0; feature < this.#features; feature++) {
      const at = feature * BINS + this.#binOf(values[feature]!);
      while (i < this.#used && this.#bins[i]! >>> 16 < at) i++;
      if (i === this.#used || this.#bins[i]! >>> 16 !== at) this.#insert(i, at);
      this.#bins[i]!++;
    }
  }

  /** The bins, as they are kept. */
  save(out: StateWriter): void {
    out.u32(this.#n);
    out.u32(this.#used);
    for (let i = 0; i < this.#used; i++) out.u32(this.#bins[i]!);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#n = Math.min(from.u32(), COUNT_MOST);
    const n = from.count(this.#features * BINS);
    let before = -1;
    for (let i = 0; i < n; i++) {
      const bin = from.u32();
      const at = bin >>> 16;
      from.expect(at > before && at < this.#features * BINS);
      before = at;
      this.#insert(i, at);
      this.#bins[i]! += Math.min(bin & 0xffff, COUNT_MOST);
    }
  }

  #halve(): void {
    this.#n >>= 1;
    const used = this.#used;
    this.#used = 0;
    for (let i = 0; i < used; i++) {
      const bin = this.#bins[i]!;
      const count = (bin & 0xffff) >> 1;
      if (count > 0) this.#bins[this.#used++] = (bin & ~0xffff) | count;
    }
  }

  /** Makes a bin of count 0 at a place in the row. */
  #insert(place: number, at: number): void {
    if (this.#used === this.#bins.length) this.#grow();
    const bins = this.#bins;
    for (let i = this.#used; i > place; i--) bins[i] = bins[i - 1]!;
    bins[place] = at << 16;
    this.#used++;
  }

  #grow(): void {
    const bins = new Array<number>(Math.max(this.#features, (3 * this.#used) >> 1));
    for (let i = 0; i < this.#used; i++) bins[i] = this.#bins[i]!;
    this.#bins = bins;
  }

  /** The first place whose position is at least `at`. */
  #lowerBound(at: number): number {
    let low = 0;
    let high = this.#used;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bins[middle]! >>> 16 < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #binOf(value: number): number {
    return Math.max(0, Math.min(BINS - 1, Math.floor(value / this.#binWidth)));
  }
}
