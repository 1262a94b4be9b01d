/**
 * Limits of tables are kept apart for fixed parts of the key space. A shard owns whole parts as long
 * as the number of shards divides theirs (1, 2, 4 ... 64), so that what a full table forgets does not
 * depend on how many shards there are.
 */
export const PARTITIONS = 64;

/** The part that the key of an entity lies in. */
export function partitionOf(key: number): number {
  return key & (PARTITIONS - 1);
}

/** The share of one part in a limit. */
export function shareOf(most: number): number {
  return Math.max(1, Math.floor(most / PARTITIONS));
}

/** A limit for each part, until it starts anew; what was refused is counted. */
export class PartitionQuota {
  readonly #taken = new Uint32Array(PARTITIONS);
  readonly #most: number;
  refusals = 0;

  /** @param most of all parts together */
  constructor(most: number) {
    this.#most = shareOf(most);
  }

  /** Takes one of the part of a key; false when it has none left. */
  take(key: number): boolean {
    const partition = partitionOf(key);
    if (this.#taken[partition]! >= this.#most) {
      this.refusals++;
      return false;
    }
    this.#taken[partition]!++;
    return true;
  }

  restart(): void {
    this.#taken.fill(0);
  }
}
