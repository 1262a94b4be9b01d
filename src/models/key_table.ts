/** No key is negative. */
const EMPTY = -1;
const FIRST_SLOTS = 16_384;

/**
 * A map from the keys of entities to objects: open addressing with linear probing, at most half
 * full. It is what a record costs, so keys lie in a row of numbers and a hit touches one object.
 *
 * REQUIRES: keys are integers from 0, spread by a hash in their low 32 bits.
 */
export class KeyTable<V extends object> {
  #keys = new Float64Array(FIRST_SLOTS).fill(EMPTY);
  #values: (V | undefined)[] = new Array<V | undefined>(FIRST_SLOTS).fill(undefined);
  #mask = FIRST_SLOTS - 1;
  #shift = 32 - Math.log2(FIRST_SLOTS);
  size = 0;

  get(key: number): V | undefined {
    const keys = this.#keys;
    let slot = this.#homeOf(key);
    for (;;) {
      const found = keys[slot]!;
      if (found === key) return this.#values[slot];
      if (found === EMPTY) return undefined;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** REQUIRES: the key is not in the table. */
  add(key: number, value: V): void {
    if (2 * ++this.size > this.#keys.length) this.#grow();
    this.#put(key, value);
  }

  /** Closes the gap, so that no search ends too early and none passes over graves. */
  delete(key: number): void {
    let gap = this.#homeOf(key);
    while (this.#keys[gap] !== key) {
      if (this.#keys[gap] === EMPTY) return;
      gap = (gap + 1) & this.#mask;
    }
    this.size--;
    for (let slot = (gap + 1) & this.#mask; this.#keys[slot] !== EMPTY;) {
      const distance = (slot - this.#homeOf(this.#keys[slot]!)) & this.#mask;
      if (distance >= ((slot - gap) & this.#mask)) {
        this.#keys[gap] = this.#keys[slot]!;
        this.#values[gap] = this.#values[slot];
        gap = slot;
      }
      slot = (slot + 1) & this.#mask;
    }
    this.#keys[gap] = EMPTY;
    this.#values[gap] = undefined;
  }

  /** The low bits alone would not do: all keys of one shard have them in common. */
  #homeOf(key: number): number {
    return Math.imul(key | 0, 0x9e3779b1) >>> this.#shift;
  }

  #put(key: number, value: V): void {
    let slot = this.#homeOf(key);
    while (this.#keys[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const slots = 2 * keys.length;
    this.#keys = new Float64Array(slots).fill(EMPTY);
    this.#values = new Array<V | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#shift--;
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== EMPTY) this.#put(keys[i]!, values[i]!);
    }
  }
}
