import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/**
 * The things met most often, in bounded memory (Space-Saving: Metwally, Agrawal and El Abbadi 2005).
 * When it is full, the one met least gives its place and its count to the one that comes: counts are
 * too high by that at most, and what is met more often than its share is never left out.
 */
export class TopCounts<K> {
  readonly #most: number;
  readonly #counts = new Map<K, number>();
  total = 0;
  /** Things that gave way. */
  evictions = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#counts.size;
  }

  add(key: K, count = 1): void {
    this.total += count;
    const known = this.#counts.get(key);
    if (known !== undefined || this.#counts.size < this.#most) {
      this.#counts.set(key, (known ?? 0) + count);
      return;
    }
    const [least, floor] = this.#least();
    this.#counts.delete(least);
    this.#counts.set(key, floor + count);
    this.evictions++;
  }

  addAll(other: TopCounts<K>): void {
    for (const [key, count] of other.#counts) this.add(key, count);
  }

  entries(): IterableIterator<[K, number]> {
    return this.#counts.entries();
  }

  /** The most frequent first; of the same count, those met first. */
  top(n: number): [K, number][] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, n);
  }

  save(out: StateWriter, saveKey: (key: K) => void): void {
    out.f64s([this.total, this.evictions]);
    out.u32(this.#counts.size);
    for (const [key, count] of this.#counts) {
      saveKey(key);
      out.f64(count);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader, restoreKey: () => K): void {
    this.total = from.natural();
    this.evictions = from.natural();
    const n = from.count(this.#most);
    for (let i = 0; i < n; i++) this.#counts.set(restoreKey(), from.natural());
  }

  #least(): [K, number] {
    let found: [K, number] | null = null;
    for (const entry of this.#counts) if (found === null || entry[1] < found[1]) found = entry;
    return found!;
  }
}
