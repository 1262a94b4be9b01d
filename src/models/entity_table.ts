import { formatAddress } from '../batch/address.js';
import type { EntityRef } from '../domain/entity.js';

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
  lastTick = -Infinity;
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
    this.slots = [];
    for (let i = 0; i < nSlots; i++) this.slots.push(null);
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

/** How many pinned entities a full table passes over before it forgets one all the same. */
const PINNED_PASSED_OVER = 8;

/**
 * The entities of a shard: proven ones, and apart from them, in probation, those that nothing shows
 * to exist. Both are bounded and forget whom they saw longest ago; that is counted.
 */
export class EntityTable {
  readonly #options: EntityTableOptions;
  readonly #proven = new Map<number, Entity>();
  readonly #probation = new Map<number, Entity>();
  /** Entities looked up last, by the low bits of their keys: half the cost of a record was the maps. */
  readonly #recent = new Array<Entity | undefined>(RECENT_SLOTS);
  /** Hosts that gave proof so far. Made-up ones are not counted: they come again and again. */
  provenHosts = 0;
  provenEvictions = 0;
  probationEvictions = 0;

  constructor(options: EntityTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#proven.size + this.#probation.size;
  }

  find(key: number): Entity | undefined {
    const slot = key & (RECENT_SLOTS - 1);
    const recent = this.#recent[slot];
    if (recent?.key === key && !recent.isForgotten) return recent;
    const entity = this.#proven.get(key) ?? this.#probation.get(key);
    if (entity !== undefined) this.#recent[slot] = entity;
    return entity;
  }

  /** The entity of a key, made when it is new, seen in `tick`. */
  touch(entity: Entity, tick: number): void {
    if (entity.lastTick === tick) return;
    entity.lastTick = tick;
    entity.activeTicks++;
    const map = entity.isProven ? this.#proven : this.#probation;
    map.delete(entity.key);
    map.set(entity.key, entity);
  }

  create(spec: EntitySpec): Entity {
    const entity = new Entity(spec, this.#options.nSlots);
    this.#insert(entity);
    return entity;
  }

  /** Moves an entity out of probation. */
  prove(entity: Entity): void {
    if (entity.isProven) return;
    this.#probation.delete(entity.key);
    entity.isProven = true;
    this.#insert(entity);
  }

  #insert(entity: Entity): void {
    if (entity.isProven) {
      if (entity.kind !== 'segment') this.provenHosts++;
      if (this.#proven.size >= this.#options.provenMost) {
        forgetOldest(this.#proven);
        this.provenEvictions++;
      }
      this.#proven.set(entity.key, entity);
      return;
    }
    if (this.#probation.size >= this.#options.probationMost) {
      forgetOldest(this.#probation);
      this.probationEvictions++;
    }
    this.#probation.set(entity.key, entity);
  }
}

/** A power of two. */
const RECENT_SLOTS = 4096;

function forgetOldest(map: Map<number, Entity>): void {
  let passed = 0;
  for (const [key, entity] of map) {
    map.delete(key);
    if (!entity.isPinned || passed++ >= PINNED_PASSED_OVER) {
      entity.isForgotten = true;
      return;
    }
    map.set(key, entity);
  }
}
