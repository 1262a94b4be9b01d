import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

const FIRST_SLOTS = 16;
const EMPTY = 0;
const NO_SLOTS = new Float64Array(0);

/**
 * A bounded set of positive numbers below 2^53, 8 bytes a slot. When full it forgets the older half:
 * members of the generation before the last are gone, which is counted.
 */
export class KeySet {
  readonly #slotsMost: number;
  /** The first member, alone until there is a second: most sets have no more, in a flood. */
  #only = EMPTY;
  #young: Float64Array = NO_SLOTS;
  #old: Float64Array | null = null;
  #count = 0;
  /** Members forgotten so far. */
  evictions = 0;

  /** @param capacity members of one generation; at most twice as many are remembered */
  constructor(capacity: number) {
    this.#slotsMost = Math.max(FIRST_SLOTS, 2 ** Math.ceil(Math.log2(2 * capacity)));
  }

  has(key: number): boolean {
    if (this.#count === 0) return this.#only === key;
    const young = this.#young;
    if (young[slotOf(young, key)] === key) return true;
    const old = this.#old;
    return old !== null && old[slotOf(old, key)] === key;
  }

  /** True when the key was not a member. */
  add(key: number): boolean {
    if (this.has(key)) return false;
    if (this.#only === EMPTY) {
      this.#only = key;
      return true;
    }
    if (this.#young === NO_SLOTS) this.#spread();
    if (2 * (this.#count + 1) > this.#young.length) this.#makeRoom();
    this.#young[slotOf(this.#young, key)] = key;
    this.#count++;
    return true;
  }

  /** Forgets all members. */
  clear(): void {
    this.#only = EMPTY;
    this.#young = NO_SLOTS;
    this.#old = null;
    this.#count = 0;
    this.evictions = 0;
  }

  /** Writes the members of both generations, ascending. */
  save(out: StateWriter): void {
    const young = this.#count === 0 ? Float64Array.of(this.#only) : this.#young;
    for (const generation of [young, this.#old ?? NO_SLOTS]) {
      const members = generation.filter((key) => key !== EMPTY).sort();
      out.u32(members.length);
      out.f64s(members);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    const nYoung = from.count(this.#slotsMost / 2);
    for (let i = 0; i < nYoung; i++) this.add(memberOf(from));
    const nOld = from.count(this.#slotsMost / 2);
    if (nOld === 0) return;
    const old = new Float64Array(this.#slotsMost);
    for (let i = 0; i < nOld; i++) {
      const key = memberOf(from);
      old[slotOf(old, key)] = key;
    }
    if (this.#count === 0) this.#spread();
    this.#old = old;
  }

  #spread(): void {
    this.#young = new Float64Array(FIRST_SLOTS);
    this.#young[slotOf(this.#young, this.#only)] = this.#only;
    this.#count = 1;
  }

  #makeRoom(): void {
    if (this.#young.length < this.#slotsMost) {
      const grown = new Float64Array(2 * this.#young.length);
      for (const key of this.#young) if (key !== EMPTY) grown[slotOf(grown, key)] = key;
      this.#young = grown;
      return;
    }
    if (this.#old !== null) this.evictions += this.#count;
    this.#old = this.#young;
    this.#young = new Float64Array(this.#slotsMost);
    this.#count = 0;
  }
}

/** A member is a positive number: 0 stands for an empty slot. */
function memberOf(from: StateReader): number {
  return Math.max(1, from.natural());
}

/** Where the key is, or would be: linear probing over a table that is at most half full. */
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
