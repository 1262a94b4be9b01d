/**
 * Values by name, of which those used lately stay: at least `most` / 2 and never more than `most`.
 *
 * Two generations: what is used moves into the newer one, and when that is half of `most` the older
 * one is forgotten whole. A map whose oldest entry were deleted for each new one would walk over the
 * places of those that are gone.
 */
export class RecentNames<T> {
  readonly #half: number;
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  constructor(most: number) {
    this.#half = Math.floor(most / 2);
  }

  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  get(name: string): T | undefined {
    const value = this.#newer.get(name);
    if (value !== undefined) return value;
    const old = this.#older.get(name);
    if (old !== undefined) this.set(name, old);
    return old;
  }

  set(name: string, value: T): void {
    this.#older.delete(name);
    this.#newer.set(name, value);
    if (this.#newer.size < this.#half) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }
}
