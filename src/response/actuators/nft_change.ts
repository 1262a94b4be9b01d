import type { NftElement } from './nft_elements.js';

interface Owner {
  readonly id: string;
  /** Monotonic, in milliseconds. */
  readonly untilMs: number;
}

/** An element of the table, whose limit or chain may differ from what others asked for. */
interface Standing {
  readonly element: NftElement;
  /** There are few, so that a list is looked through faster than a map. */
  readonly owners: readonly Owner[];
}

/** An element with what it was before the change under way; outside of one it has an owner. */
export interface HeldElement extends Standing {
  element: NftElement;
  owners: readonly Owner[];
  /** The change that touched it last. */
  change: NftChange | null;
  /** What it was before that; null: not there. */
  before: Standing | null;
}

/** By set and key: a joined name of both for each would be one more text to keep. */
export type HeldBySet = Map<string, Map<string, HeldElement>>;

/** What one transaction does to elements, until it is committed or taken back. */
export class NftChange {
  readonly #sets: HeldBySet;
  readonly #nowMs: number;
  readonly #touched = new Map<string, HeldElement[]>();
  readonly #needs = new Set<string>();

  constructor(sets: HeldBySet, nowMs: number) {
    this.#sets = sets;
    this.#nowMs = nowMs;
  }

  /** Elements by their set, each once, in the order in which they were named first. */
  get touched(): ReadonlyMap<string, readonly HeldElement[]> {
    return this.#touched;
  }

  /** Scripts that have to run before. */
  get needs(): ReadonlySet<string> {
    return this.#needs;
  }

  /** The newest limit counts where two owners disagree. */
  add(element: NftElement, id: string, untilMs: number): void {
    const held = this.#find(element) ?? this.#make(element);
    this.#touch(held, element);
    held.element = element;
    const owner = { id, untilMs };
    held.owners =
      held.owners.length === 0
        ? [owner]
        : [...held.owners.filter((other) => other.id !== id), owner];
  }

  remove(element: NftElement, id: string): void {
    const held = this.#find(element);
    if (held === undefined) return;
    this.#touch(held, element);
    held.owners = held.owners.filter((owner) => owner.id !== id);
  }

  /** The table is as was asked for. */
  commit(): void {
    for (const [set, each] of this.#touched) {
      for (const held of each) {
        held.before = null;
        if (held.owners.length === 0) this.#sets.get(set)!.delete(held.element.key);
      }
    }
    this.#touched.clear();
  }

  /** The table is as it was before. */
  takeBack(): void {
    for (const each of this.#touched.values()) {
      for (const held of each) {
        held.owners = held.before?.owners ?? [];
        held.element = held.before?.element ?? held.element;
      }
    }
    this.commit();
  }

  #find({ set, key }: NftElement): HeldElement | undefined {
    return this.#sets.get(set)?.get(key);
  }

  #make(element: NftElement): HeldElement {
    const held = { element, owners: [], change: null, before: null };
    const each = this.#sets.get(element.set);
    if (each === undefined) this.#sets.set(element.set, new Map([[element.key, held]]));
    else each.set(element.key, held);
    return held;
  }

  #touch(held: HeldElement, { set, needs }: NftElement): void {
    if (needs !== '') this.#needs.add(needs);
    if (held.change === this) return;
    held.change = this;
    dropExpired(held, this.#nowMs);
    const { element, owners } = held;
    held.before = owners.length === 0 ? null : { element, owners };
    const each = this.#touched.get(set);
    if (each === undefined) this.#touched.set(set, [held]);
    else each.push(held);
  }
}

/** Forgets owners whose time is over. */
export function dropExpired(held: HeldElement, nowMs: number): void {
  if (!held.owners.some((owner) => owner.untilMs <= nowMs)) return;
  held.owners = held.owners.filter((owner) => owner.untilMs > nowMs);
}
