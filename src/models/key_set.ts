import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Members that lie in a row, without a table. */
const ROW_MOST = 16;
const EMPTY = 0;
const NO_ROW: never[] = [];
const NO_SLOTS = new Float64Array(0);

/**
 * A bounded set of positive numbers below 2^53. When full it forgets the older half: members of the
 * generation before the last are gone, which is counted.
 *
 * Up to 16 members lie in a row, 8 bytes each, since most sets stay small and a table costs 200 bytes
 * before its first slot; more lie in a table of 11 to 21 bytes each.
 */
export class KeySet {
  /** Members of one generation, a power of two from 8. */
  readonly #capacity: number;
  /** The first members, as long as there is no table. */
  #row: number[] = NO_ROW;
  #young: Float64Array = NO_SLOTS;
  #old: Float64Array | null = null;
  /** Members of the younger generation. */
  #count = 0;
  /** Members forgotten so far. */
  evictions = 0;

  /** @param capacity members of one generation; at most twice as many are remembered */
  constructor(capacity: number) {
    this.#capacity = Math.max(8, 2 ** Math.ceil(Math.log2(capacity)));
  }

  has(key: number): boolean {
    const young = this.#young;
    if (young === NO_SLOTS) {
      const row = this.#row;
      for (let i = this.#count - 1; i >= 0; i--) if (row[i] === key) return true;
    } else if (young[slotOf(young, key)] === key) {
      return true;
    }
    const old = this.#old;
    return old !== null && old[slotOf(old, key)] === key;
  }

  /** True when the key was not a member. */
  add(key: number): boolean {
    if (this.has(key)) return false;
    if (this.#count === this.#capacity) this.#age();
    if (this.#young === NO_SLOTS && this.#count < ROW_MOST) {
      this.#append(key);
    } else {
      if (4 * (this.#count + 1) > 3 * this.#young.length) this.#grow();
      this.#young[slotOf(this.#young, key)] = key;
    }
    this.#count++;
    return true;
  }

  /** Forgets all members. */
  clear(): void {
    this.#young = NO_SLOTS;
    this.#old = null;
    this.#count = 0;
    this.evictions = 0;
  }

  /** Writes the members of both generations, ascending. */
  save(out: StateWriter): void {
    const isRow = this.#young === NO_SLOTS;
    const young = isRow ? Float64Array.from(this.#row.slice(0, this.#count)) : this.#young;
    for (const generation of [young, this.#old ?? NO_SLOTS]) {
      const members = generation.filter((key) => key !== EMPTY).sort();
      out.u32(members.length);
      out.f64s(members);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    const nYoung = from.count(this.#capacity);
    for (let i = 0; i < nYoung; i++) this.add(memberOf(from));
    const nOld = from.count(this.#capacity);
    if (nOld === 0) return;
    const old = new Float64Array(2 * this.#capacity);
    for (let i = 0; i < nOld; i++) {
      const key = memberOf(from);
      old[slotOf(old, key)] = key;
    }
    this.#old = old;
  }

  #append(key: number): void {
    if (this.#count === this.#row.length) {
      const row = new Array<number>(Math.max(1, 2 * this.#count));
      for (let i = 0; i < this.#count; i++) row[i] = this.#row[i]!;
      this.#row = row;
    }
    this.#row[this.#count] = key;
  }

  #grow(): void {
    const isRow = this.#young === NO_SLOTS;
    const grown = new Float64Array(isRow ? 2 * ROW_MOST : 2 * this.#young.length);
    if (isRow) for (const key of this.#row) grown[slotOf(grown, key)] = key;
    else for (const key of this.#young) if (key !== EMPTY) grown[slotOf(grown, key)] = key;
    this.#young = grown;
    this.#row = NO_ROW;
  }

  /** The younger generation is full and becomes the older one. */
  #age(): void {
    if (this.#old !== null) this.evictions += this.#count;
    this.#old = this.#young;
    if (this.#young === NO_SLOTS) {
      this.#old = new Float64Array(2 * this.#capacity);
      for (let i = 0; i < this.#count; i++) {
        this.#old[slotOf(this.#old, this.#row[i]!)] = this.#row[i]!;
      }
    }
    this.#young = NO_SLOTS;
    this.#count = 0;
  }
}

/** A member is a positive number: 0 stands for an empty slot. */
function memberOf(from: StateReader): number {
  return Math.max(1, from.natural());
}

/** Where the key is, or would be: linear probing over a table that is never full. */
function slotOf(table: Float64Array, key: number): number {
  const mask = table.length - 1;
  let slot = mixToUint32(key) & mask;
  while (table[slot] !== EMPTY && table[slot] !== key) slot = (slot + 1) & mask;
  return slot;
}

/** Spreads both halves of a number below 2^53 over 32 bits. */
export function mixToUint32(key: number): number {
  let h = (key >>> 0) ^ Math.imul((key / 0x100000000) >>> 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 bits for a text. */
export function textKey(text: string): number {
  let key = 7;
  for (let i = 0; i < text.length; i++) key = mixToUint32(key * 256 + text.charCodeAt(i));
  return key;
}

/** One number below 2^52 for a pair, so that pairs can be members of a set of numbers. Never 0. */
export function pairKey(a: number, b: number): number {
  const low = mixToUint32(a + b * 0x10001);
  const high = mixToUint32(a * 3 + b + 0x5bd1e995) & 0xfffff;
  return high * 0x100000000 + low + 1;
}
