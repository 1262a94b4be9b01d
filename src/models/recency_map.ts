import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/**
 * A bounded map that forgets the entry used longest ago. Values are reused: the one that leaves is
 * cleared and given to the key that comes, so a flood of keys makes no garbage.
 */
export class RecencyMap<V> {
  readonly #capacity: number;
  readonly #make: () => V;
  readonly #clear: (value: V) => void;
  /** The first entry, alone until there is a second: most maps have no more, in a flood. */
  #onlyKey = NaN;
  #only: V | undefined;
  #map: Map<number, V> | null = null;
  /** Entries forgotten so far. */
  evictions = 0;

  constructor(capacity: number, make: () => V, clear: (value: V) => void) {
    this.#capacity = capacity;
    this.#make = make;
    this.#clear = clear;
  }

  get size(): number {
    if (this.#map !== null) return this.#map.size;
    return this.#only === undefined ? 0 : 1;
  }

  /** The value of a key, without counting as use. */
  peek(key: number): V | undefined {
    if (this.#map !== null) return this.#map.get(key);
    return this.#onlyKey === key ? this.#only : undefined;
  }

  /** The value of a key, made or recycled when it has none. Counts as use. */
  claim(key: number): V {
    if (this.#map === null) {
      if (this.#only === undefined) this.#onlyKey = key;
      if (this.#onlyKey === key) return (this.#only ??= this.#make());
    }
    return this.#claimOf(this.#spread(), key);
  }

  clear(): void {
    this.#map = null;
    this.#only = undefined;
    this.#onlyKey = NaN;
  }

  *values(): Generator<V> {
    if (this.#map !== null) yield* this.#map.values();
    else if (this.#only !== undefined) yield this.#only;
  }

  /** Writes keys and values, those used longest ago first. */
  save(out: StateWriter, saveValue: (value: V) => void): void {
    out.u32(this.size);
    if (this.#only !== undefined) {
      out.f64(this.#onlyKey);
      saveValue(this.#only);
    }
    for (const [key, value] of this.#map ?? []) {
      out.f64(key);
      saveValue(value);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader, restoreValue: (value: V) => void): void {
    const n = from.count(this.#capacity);
    for (let i = 0; i < n; i++) restoreValue(this.claim(from.natural()));
  }

  #spread(): Map<number, V> {
    if (this.#map === null) {
      this.#map = new Map([[this.#onlyKey, this.#only!]]);
      this.#only = undefined;
    }
    return this.#map;
  }

  #claimOf(map: Map<number, V>, key: number): V {
    let value = map.get(key);
    if (value !== undefined) map.delete(key);
    else value = map.size < this.#capacity ? this.#make() : this.#recycle(map);
    map.set(key, value);
    return value;
  }

  #recycle(map: Map<number, V>): V {
    const [oldest, value] = map.entries().next().value!;
    map.delete(oldest);
    this.#clear(value);
    this.evictions++;
    return value;
  }
}
