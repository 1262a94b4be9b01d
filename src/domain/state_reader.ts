import { ThymusError } from '../errors.js';

const decoder = new TextDecoder();

/**
 * Reads what a `StateWriter` wrote, by the same calls in the same order, and never beyond its end.
 * Every method throws ThymusError MODEL_INVALID where the bytes are not what is asked for; whoever
 * restores gives up as a whole then.
 */
export class StateReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** What `time` adds, microseconds: whole weeks, or 0. */
  readonly shiftUs: number;
  #at = 0;

  /** @param bytes borrowed */
  constructor(bytes: Uint8Array, shiftUs = 0) {
    this.#bytes = bytes;
    this.shiftUs = shiftUs;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  flag(): boolean {
    return this.u8() !== 0;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /**
   * A moment that `f64` wrote. When a run begins before the model's end, all moments of the model
   * are moved to before it, so that nothing ever lies in the future.
   * @param unitUs what the moment is counted in, microseconds: 1, or those of a tick or a window
   */
  time(unitUs = 1): number {
    return this.f64() + this.shiftUs / unitUs;
  }

  /** A key or a count: a whole number from 0. */
  natural(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < 0) throw damaged();
    return value;
  }

  /** The number of things that follow, at most `most`. */
  count(most: number): number {
    const n = this.u32();
    if (n > most || n > this.left) throw damaged();
    return n;
  }

  f64s(n: number): Float64Array<ArrayBuffer> {
    if (n > this.left / 8) throw damaged();
    return Float64Array.from({ length: n }, () => this.f64());
  }

  f32s(n: number): Float32Array<ArrayBuffer> {
    if (n > this.left / 4) throw damaged();
    return Float32Array.from({ length: n }, () => this.#view.getFloat32(this.#take(4), true));
  }

  /** @param holds whether what was read can be true */
  expect(holds: boolean): void {
    if (!holds) throw damaged();
  }

  text(): string {
    return decoder.decode(this.bytes());
  }

  /** Borrowed from what the reader was made of. */
  bytes(): Uint8Array {
    const n = this.count(this.left);
    const at = this.#take(n);
    return this.#bytes.subarray(at, at + n);
  }

  /** Only its being JSON is checked. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch {
      throw damaged();
    }
  }

  /** A reader of the next part alone; this one goes on behind it. */
  part(): StateReader {
    return new StateReader(this.bytes(), this.shiftUs);
  }

  #take(size: number): number {
    if (size > this.left) throw damaged();
    const at = this.#at;
    this.#at += size;
    return at;
  }
}

function damaged(): ThymusError {
  return new ThymusError(
    'MODEL_INVALID',
    'The model does not fit what this version learns: start without it, or take an earlier one.',
  );
}
