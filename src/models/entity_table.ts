import { formatAddress } from '../batch/address.js';
import type { EntityRef } from '../domain/entity.js';
import { KeyTable } from './key_table.js';
import { partitionOf, PARTITIONS, shareOf } from './partition.js';

/**
 * One entity of a shard. Others hang their state on `slots`, by the number they were given, so that
 * a record costs one look-up however many detectors there are.
 */
export class Entity {
  readonly key: number;
  readonly kind: EntityRef['kind'];
  readonly slots: (object | null)[];
  /** It answered somebody, or was answered: an address that nobody made up. */
  isProven: boolean;
  /** It was forgotten: nobody looks it up any more. */
  isForgotten = false;
  /** Kept while others are forgotten, since an alarm is open. */
  isPinned = false;
  /** Ticks in which it was seen; idle ones are not counted and not bet on. */
  activeTicks = 0;
  lastTick = -1;
  /** Its neighbours in the order of use; for the table alone. */
  older: Entity | null = null;
  newer: Entity | null = null;
  /** The 16 bytes of its address, as four words: cheaper to keep than an array. */
  readonly #word0: number;
  readonly #word1: number;
  readonly #word2: number;
  readonly #word3: number;
  readonly #prefixBits: number;
  #ref: EntityRef | null = null;

  constructor(spec: EntitySpec, nSlots: number) {
    this.key = spec.key;
    this.kind = spec.kind;
    this.isProven = spec.isProven;
    this.#word0 = wordAt(spec.bytes, spec.at);
    this.#word1 = wordAt(spec.bytes, spec.at + 4);
    this.#word2 = wordAt(spec.bytes, spec.at + 8);
    this.#word3 = wordAt(spec.bytes, spec.at + 12);
    this.#prefixBits = spec.prefixBits ?? -1;
    this.slots = new Array<object | null>(nSlots).fill(null);
  }

  /** How evidence names it. Made when first asked for. */
  get ref(): EntityRef {
    if (this.#ref === null || this.#ref.proven !== this.isProven) {
      const words = Uint32Array.of(this.#word0, this.#word1, this.#word2, this.#word3);
      const text = formatAddress(new Uint8Array(words.buffer), 0);
      const address = this.#prefixBits < 0 ? text : `${text}/${this.#prefixBits}`;
      this.#ref = { kind: this.kind, key: this.key, address, proven: this.isProven };
    }
    return this.#ref;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Where an entity comes from: its key, and its address in borrowed memory. */
export interface EntitySpec {
  readonly key: number;
  readonly kind: EntityRef['kind'];
  readonly isProven: boolean;
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Set for a segment: length of its prefix. */
  readonly prefixBits?: number;
}

export interface EntityTableOptions {
  /** State slots of each entity. */
  readonly nSlots: number;
  /** Entities that gave two-way proof, at most. */
  readonly provenMost: number;
  /**
   * Addresses that only claimed to be there, at most. Small, since a flood of made-up sources fills
   * it: real entities are not in it.
   */
  readonly probationMost: number;
}

export const ENTITY_TABLE_DEFAULTS = { provenMost: 131_072, probationMost: 8_192 } as const;

/** How many pinned entities a full ward passes over before it forgets one all the same. */
const PINNED_PASSED_OVER = 8;

/**
 * The entities of a shard: proven ones, and apart from them, in probation, those that nothing shows
 * to exist. Both are bounded, in each part of the key space for itself (models/partition.ts), and
 * forget whom they saw longest ago; that is counted.
 */
export class EntityTable {
  readonly #nSlots: number;
  readonly #entities = new KeyTable<Entity>();
  readonly #proven: readonly Ward[];
  readonly #probation: readonly Ward[];
  /** Hosts that gave proof so far. Made-up ones are not counted: they come again and again. */
  provenHosts = 0;
  provenEvictions = 0;
  probationEvictions = 0;

  constructor(options: EntityTableOptions) {
    this.#nSlots = options.nSlots;
    this.#proven = wards(options.provenMost);
    this.#probation = wards(options.probationMost);
  }

  get size(): number {
    return this.#entities.size;
  }

  find(key: number): Entity | undefined {
    return this.#entities.get(key);
  }

  /** Takes note that an entity was seen in `tick`. */
  touch(entity: Entity, tick: number): void {
    if (entity.lastTick === tick) return;
    entity.lastTick = tick;
    entity.activeTicks++;
    // One that was forgotten is still held by a detector that has not settled it.
    if (!entity.isForgotten) this.#wardOf(entity).renew(entity);
  }

  create(spec: EntitySpec): Entity {
    const entity = new Entity(spec, this.#nSlots);
    this.#admit(entity);
    this.#entities.add(entity.key, entity);
    return entity;
  }

  /** Moves an entity out of probation. */
  prove(entity: Entity): void {
    if (entity.isProven || entity.isForgotten) return;
    this.#wardOf(entity).remove(entity);
    entity.isProven = true;
    this.#admit(entity);
  }

  #wardOf(entity: Entity): Ward {
    return (entity.isProven ? this.#proven : this.#probation)[partitionOf(entity.key)]!;
  }

  #admit(entity: Entity): void {
    if (entity.isProven && entity.kind !== 'segment') this.provenHosts++;
    const ward = this.#wardOf(entity);
    if (ward.isFull) {
      const forgotten = ward.forgetOldest();
      this.#entities.delete(forgotten.key);
      if (entity.isProven) this.provenEvictions++;
      else this.probationEvictions++;
    }
    ward.add(entity);
  }
}

/**
 * Entities of one part of the key space in the order of use, linked to each other: to find the oldest
 * key of a Map is to pass over all that were deleted before it.
 */
class Ward {
  readonly #most: number;
  #oldest: Entity | null = null;
  #newest: Entity | null = null;
  #size = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#size >= this.#most;
  }

  add(entity: Entity): void {
    entity.older = this.#newest;
    if (this.#newest === null) this.#oldest = entity;
    else this.#newest.newer = entity;
    this.#newest = entity;
    this.#size++;
  }

  remove(entity: Entity): void {
    const { older, newer } = entity;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    entity.older = null;
    entity.newer = null;
    this.#size--;
  }

  /** It was used just now. */
  renew(entity: Entity): void {
    if (this.#newest === entity) return;
    this.remove(entity);
    this.add(entity);
  }

  /** REQUIRES: not empty. */
  forgetOldest(): Entity {
    for (let passed = 0; passed < PINNED_PASSED_OVER && this.#oldest!.isPinned; passed++) {
      this.renew(this.#oldest!);
    }
    const oldest = this.#oldest!;
    this.remove(oldest);
    oldest.isForgotten = true;
    return oldest;
  }
}

function wards(most: number): readonly Ward[] {
  return Array.from({ length: PARTITIONS }, () => new Ward(shareOf(most)));
}
