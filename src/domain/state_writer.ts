const FIRST_BYTES = 4096;
const encoder = new TextEncoder();

/**
 * Learned state as bytes, little-endian, in the order of the calls. `StateReader` reads it by the
 * same calls in the same order.
 */
export class StateWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u8(value: number): void {
    const at = this.#claim(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.#claim(4);
    this.#view.setUint32(at, value, true);
  }

  /** Any number: keys, times, counts beyond 32 bits, infinities. */
  f64(value: number): void {
    const at = this.#claim(8);
    this.#view.setFloat64(at, value, true);
  }

  /** As many numbers as there are, without their count. */
  f64s(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.f64(values[i]!);
  }

  /** The same of numbers that 32 bits hold. */
  f32s(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      const at = this.#claim(4);
      this.#view.setFloat32(at, values[i]!, true);
    }
  }

  text(value: string): void {
    this.bytes(encoder.encode(value));
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#claim(value.length);
    this.#bytes.set(value, at);
  }

  /** A plain object that is small and rarely written; numbers that are not finite become null. */
  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  /** What `write` writes, with its length before it, so that a reader can pass over it. */
  part(write: (out: this) => void): void {
    const at = this.#claim(4);
    write(this);
    this.#view.setUint32(at, this.#length - at - 4, true);
  }

  /** All that was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #claim(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
