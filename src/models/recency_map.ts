/**
 * A bounded map that forgets the entry used longest ago. Values are reused: the one that leaves is
 * cleared and given to the key that comes, so a flood of keys makes no garbage.
 */
export class RecencyMap<V> {
  readonly #capacity: number;
  readonly #make: () => V;
  readonly #clear: (value: V) => void;
  readonly #map = new Map<number, V>();
  /** Entries forgotten so far. */
  evictions = 0;

  constructor(capacity: number, make: () => V, clear: (value: V) => void) {
    this.#capacity = capacity;
    this.#make = make;
    this.#clear = clear;
  }

  get size(): number {
    return this.#map.size;
  }

  /** The value of a key, without counting as use. */
  peek(key: number): V | undefined {
    return this.#map.get(key);
  }

  /** The value of a key, made or recycled when it has none. Counts as use. */
  claim(key: number): V {
    const known = this.#map.get(key);
    if (known !== undefined) {
      this.#map.delete(key);
      this.#map.set(key, known);
      return known;
    }
    const value = this.#map.size < this.#capacity ? this.#make() : this.#recycle();
    this.#map.set(key, value);
    return value;
  }

  clear(): void {
    this.#map.clear();
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  #recycle(): V {
    const [oldest, value] = this.#map.entries().next().value!;
    this.#map.delete(oldest);
    this.#clear(value);
    this.evictions++;
    return value;
  }
}
