import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

const BINS = 64;
const COUNT_MOST = 8192;

/**
 * How often one entity had which value, for a row of features at once: 64 bins each of equal width.
 * When it has seen 8,192 values the counts are halved, so that what is past fades. 128 bytes a feature.
 */
export class SelfHistogram {
  readonly #counts: Uint16Array;
  readonly #binWidth: number;
  #n = 0;

  /** @param binWidth of values, which lie from 0 to 64 times of it */
  constructor(features: number, binWidth: number) {
    this.#counts = new Uint16Array(features * BINS);
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
    let count = 0;
    if (isLow) for (let i = 0; i <= bin; i++) count += this.#counts[first + i]!;
    else for (let i = bin; i < BINS; i++) count += this.#counts[first + i]!;
    return Math.min(1, (1 + count) / (1 + this.#n));
  }

  /** Learns one value of each feature. */
  learn(values: Float64Array): void {
    if (this.#n === COUNT_MOST) {
      for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! >>= 1;
      this.#n >>= 1;
    }
    this.#n++;
    const features = this.#counts.length / BINS;
    for (let i = 0; i < features; i++) this.#counts[i * BINS + this.#binOf(values[i]!)]!++;
  }

  /** Bins that are not empty: the position of each above 16 bits of its count. */
  save(out: StateWriter): void {
    out.u32(this.#n);
    out.u32(this.#counts.reduce((n, count) => (count > 0 ? n + 1 : n), 0));
    this.#counts.forEach((count, at) => {
      if (count > 0) out.u32(at * 0x10000 + count);
    });
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#n = Math.min(from.u32(), COUNT_MOST);
    const n = from.count(this.#counts.length);
    for (let i = 0; i < n; i++) {
      const bin = from.u32();
      from.expect(bin >>> 16 < this.#counts.length);
      this.#counts[bin >>> 16] = bin & 0xffff;
    }
  }

  #binOf(value: number): number {
    return Math.max(0, Math.min(BINS - 1, Math.floor(value / this.#binWidth)));
  }
}
