import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Entries that lie in a row; more than these are found by a map. */
const ROW_MOST = 64;
/** A map of so few entries keeps them when it is cleared, to be used again. */
const SPARES_MOST = 4;
/** Of a row that was never used; nothing is written to it. */
const NO_ROW: never[] = [];

/**
 * A bounded map that forgets the entry used longest ago. Values are reused: the one that leaves is
 * cleared and given to the key that comes, so a flood of keys makes no garbage.
 *
 * Entries lie in a row, the one used last at its end, and are looked for from there: most entities
 * have few, and the next record is about one of the latest. A map of as many takes five times the
 * memory, and to renew an entry in it costs as much as to search the row.
 */
export class RecencyMap<V> {
  readonly #capacity: number;
  readonly #make: () => V;
  readonly #clear: (value: V) => void;
  /** The row; of its places the first `size` are taken, and values behind them are spare. */
  #keys: number[] = NO_ROW;
  #values: (V | undefined)[] = NO_ROW;
  #size = 0;
  #map: Map<number, V> | null = null;
  /** Entries forgotten so far. */
  evictions = 0;

  constructor(capacity: number, make: () => V, clear: (value: V) => void) {
    this.#capacity = capacity;
    this.#make = make;
    this.#clear = clear;
  }

  get size(): number {
    return this.#map !== null ? this.#map.size : this.#size;
  }

  /** The value of a key, without counting as use. */
  peek(key: number): V | undefined {
    if (this.#map !== null) return this.#map.get(key);
    const place = this.#placeOf(key);
    return place < 0 ? undefined : this.#values[place];
  }

  /** The value of a key, made or recycled when it has none. Counts as use. */
  claim(key: number): V {
    if (this.#map !== null) return this.#claimOf(this.#map, key);
    const place = this.#placeOf(key);
    if (place >= 0) return this.#renew(place);
    if (this.#size === this.#capacity) return this.#giveAway(key);
    if (this.#size === ROW_MOST) return this.#claimOf(this.#spread(), key);
    return this.#append(key);
  }

  clear(): void {
    if (this.#size > SPARES_MOST || this.#map !== null) {
      this.#drop();
      return;
    }
    for (let i = 0; i < this.#size; i++) this.#clear(this.#values[i]!);
    this.#size = 0;
  }

  *values(): Generator<V> {
    if (this.#map !== null) yield* this.#map.values();
    else for (let i = 0; i < this.#size; i++) yield this.#values[i]!;
  }

  /** Writes keys and values, those used longest ago first. */
  save(out: StateWriter, saveValue: (value: V) => void): void {
    out.u32(this.size);
    for (let i = 0; i < this.#size; i++) {
      out.f64(this.#keys[i]!);
      saveValue(this.#values[i]!);
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

  /** Negative when the key is not in the row. */
  #placeOf(key: number): number {
    const keys = this.#keys;
    let place = this.#size - 1;
    while (place >= 0 && keys[place] !== key) place--;
    return place;
  }

  /** Moves an entry of the row to its end. */
  #renew(place: number): V {
    const keys = this.#keys;
    const values = this.#values;
    const last = this.#size - 1;
    const value = values[place]!;
    if (place === last) return value;
    const key = keys[place]!;
    for (let i = place; i < last; i++) {
      keys[i] = keys[i + 1]!;
      values[i] = values[i + 1];
    }
    keys[last] = key;
    values[last] = value;
    return value;
  }

  /** The row is full: its oldest value goes to the key that comes. */
  #giveAway(key: number): V {
    const value = this.#renew(0);
    this.#clear(value);
    this.#keys[this.#size - 1] = key;
    this.evictions++;
    return value;
  }

  #append(key: number): V {
    if (this.#size === this.#keys.length) this.#grow();
    const value = (this.#values[this.#size] ??= this.#make());
    this.#keys[this.#size] = key;
    this.#size++;
    return value;
  }

  /** By its own hand: an array that grows by itself makes room for 16 more at once. */
  #grow(): void {
    const room = Math.min(this.#capacity, ROW_MOST, Math.max(1, 2 * this.#size));
    const keys = new Array<number>(room);
    const values = new Array<V | undefined>(room);
    for (let i = 0; i < this.#size; i++) {
      keys[i] = this.#keys[i]!;
      values[i] = this.#values[i];
    }
    this.#keys = keys;
    this.#values = values;
  }

  #spread(): Map<number, V> {
    const map = new Map<number, V>();
    for (let i = 0; i < this.#size; i++) map.set(this.#keys[i]!, this.#values[i]!);
    this.#drop();
    return (this.#map = map);
  }

  #drop(): void {
    this.#map = null;
    this.#keys = NO_ROW;
    this.#values = NO_ROW;
    this.#size = 0;
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
