const NONE = -1;
const FIRST_PLACES = 1024;

/**
 * Several lists of places (numbers from 0) in the order of use. A place is in one list at most; who
 * adds one knows which. Links lie in rows of numbers: to go along a list of objects is a cache miss
 * a step.
 */
export class UseOrder {
  #older = new Int32Array(FIRST_PLACES);
  #newer = new Int32Array(FIRST_PLACES);
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  readonly #sizes: Uint32Array;

  constructor(lists: number) {
    this.#oldest = new Int32Array(lists).fill(NONE);
    this.#newest = new Int32Array(lists).fill(NONE);
    this.#sizes = new Uint32Array(lists);
  }

  sizeOf(list: number): number {
    return this.#sizes[list]!;
  }

  /** REQUIRES: the list is not empty. */
  oldestOf(list: number): number {
    return this.#oldest[list]!;
  }

  /** All of a list, the one used longest ago first. */
  places(list: number): number[] {
    const places: number[] = [];
    for (let at = this.#oldest[list]!; at !== NONE; at = this.#newer[at]!) places.push(at);
    return places;
  }

  /** The place was used just now. REQUIRES: it is in no list. */
  add(list: number, place: number): void {
    if (place >= this.#older.length) this.#grow(place);
    const newest = this.#newest[list]!;
    this.#older[place] = newest;
    this.#newer[place] = NONE;
    if (newest === NONE) this.#oldest[list] = place;
    else this.#newer[newest] = place;
    this.#newest[list] = place;
    this.#sizes[list]!++;
  }

  remove(list: number, place: number): void {
    const older = this.#older[place]!;
    const newer = this.#newer[place]!;
    if (older === NONE) this.#oldest[list] = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest[list] = older;
    else this.#older[newer] = older;
    this.#sizes[list]!--;
  }

  renew(list: number, place: number): void {
    if (this.#newest[list] === place) return;
    this.remove(list, place);
    this.add(list, place);
  }

  #grow(place: number): void {
    const places = Math.max(2 * this.#older.length, place + 1);
    const older = new Int32Array(places);
    const newer = new Int32Array(places);
    older.set(this.#older);
    newer.set(this.#newer);
    this.#older = older;
    this.#newer = newer;
  }
}
