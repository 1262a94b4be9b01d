import type { NftElement } from './nft_elements.js';
import type { ListedElement } from './nft_listing.js';

interface Owner {
  readonly id: string;
  /** Monotonic, in milliseconds. */
  readonly untilMs: number;
}

interface Held {
  readonly element: NftElement;
  /** At least one; there are few, so that a list is looked through faster than a map. */
  readonly owners: readonly Owner[];
}

// A comment holds 128 bytes at most; an id 40.
const MOST_IDS_IN_COMMENT = 3;

/**
 * Which actions each element of the table is there for. Several may need the same one: it stays
 * until the last lets go, with the longest of their times.
 */
export class NftOwners {
  readonly #held = new Map<string, Held>();

  clear(): void {
    this.#held.clear();
  }

  /** The element as it stands in the table, whose limit or chain may differ; null: not there. */
  current(element: NftElement): NftElement | null {
    return this.#held.get(element.id)?.element ?? null;
  }

  /** Actions that an element is there for at this time, as far as this process knows. */
  ids(element: NftElement, nowMs: number): readonly string[] {
    const owners = this.#held.get(element.id)?.owners ?? [];
    return owners.filter(({ untilMs }) => untilMs > nowMs).map(({ id }) => id);
  }

  /** The newest limit counts where two owners disagree. */
  add(element: NftElement, id: string, untilMs: number): void {
    const key = element.id;
    const others = this.#held.get(key)?.owners.filter((owner) => owner.id !== id) ?? [];
    this.#held.set(key, { element, owners: [...others, { id, untilMs }] });
  }

  remove(element: NftElement, id: string): void {
    const held = this.#held.get(element.id);
    if (held === undefined) return;
    this.#keep(
      held,
      held.owners.filter((owner) => owner.id !== id),
    );
  }

  /** Forgets what the kernel has let go: of all, or of these elements. */
  expire(nowMs: number, elements?: readonly NftElement[]): void {
    const looked = elements?.map(({ id }) => this.#held.get(id)) ?? this.#held.values();
    for (const held of looked) {
      if (held?.owners.some((owner) => owner.untilMs <= nowMs)) {
        this.#keep(
          held,
          held.owners.filter((owner) => owner.untilMs > nowMs),
        );
      }
    }
  }

  /** Takes over what the table holds. Ids that no comment had room for stay with their element. */
  adopt(listed: readonly ListedElement[], nowMs: number): void {
    const before = new Map(this.#held);
    this.#held.clear();
    for (const { element, ids, expiresMs } of listed) {
      const known = before.get(element.id)?.owners ?? [];
      const fresh = ids
        .filter((id) => !known.some((owner) => owner.id === id))
        .map((id) => ({ id, untilMs: nowMs + expiresMs }));
      this.#held.set(element.id, { element, owners: [...known, ...fresh] });
    }
  }

  /** Text of an element with its time and the ids of its owners; null where it has none. */
  text(element: NftElement, nowMs: number): string | null {
    const held = this.#held.get(element.id);
    if (held === undefined) return null;
    const { owners } = held;
    const { key, limit, target } = held.element;
    let untilMs = 0;
    for (const owner of owners) untilMs = Math.max(untilMs, owner.untilMs);
    const leftMs = Math.max(1, Math.round(untilMs - nowMs));
    const ids =
      owners.length === 1
        ? owners[0]!.id
        : owners
            .slice(-MOST_IDS_IN_COMMENT)
            .map(({ id }) => id)
            .join(' ');
    return `${key}${limit} timeout ${leftMs}ms comment "${ids}"${target}`;
  }

  /** @returns what brings these elements back to what they are now, for a failed transaction */
  snapshot(elements: readonly NftElement[]): () => void {
    const before = elements.map((element) => this.#held.get(element.id));
    return () => {
      for (const [i, element] of elements.entries()) {
        const held = before[i];
        if (held === undefined) this.#held.delete(element.id);
        else this.#held.set(element.id, held);
      }
    };
  }

  #keep({ element }: Held, owners: readonly Owner[]): void {
    if (owners.length === 0) this.#held.delete(element.id);
    else this.#held.set(element.id, { element, owners });
  }
}
