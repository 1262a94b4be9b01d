import { dropExpired, NftChange, type HeldBySet } from './nft_change.js';
import type { NftElement } from './nft_elements.js';
import type { ListedElement } from './nft_listing.js';

/**
 * Which actions each element of the table is there for. Several may need the same one: it stays
 * until the last lets go, with the longest of their times.
 */
export class NftOwners {
  #sets: HeldBySet = new Map();

  clear(): void {
    this.#sets.clear();
  }

  /** One at a time; what touched elements are there for is theirs only after its end. */
  begin(nowMs: number): NftChange {
    return new NftChange(this.#sets, nowMs);
  }

  /** Actions that an element is there for at this time, as far as this process knows. */
  ids({ set, key }: NftElement, nowMs: number): readonly string[] {
    const owners = this.#sets.get(set)?.get(key)?.owners ?? [];
    return owners.filter(({ untilMs }) => untilMs > nowMs).map(({ id }) => id);
  }

  /** Forgets what the kernel has let go. Not during a change. */
  expire(nowMs: number): void {
    for (const each of this.#sets.values()) {
      for (const [key, held] of each) {
        dropExpired(held, nowMs);
        if (held.owners.length === 0) each.delete(key);
      }
    }
  }

  /** Takes over what the table holds. Ids that no comment had room for stay with their element. */
  adopt(listed: readonly ListedElement[], nowMs: number): void {
    const before = this.#sets;
    this.#sets = new Map();
    const change = this.begin(nowMs);
    for (const { element, ids, expiresMs } of listed) {
      const known = before.get(element.set)?.get(element.key)?.owners ?? [];
      for (const { id, untilMs } of known) change.add(element, id, untilMs);
      for (const id of ids) {
        if (!known.some((owner) => owner.id === id)) change.add(element, id, nowMs + expiresMs);
      }
    }
    change.commit();
  }
}
