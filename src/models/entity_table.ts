import { formatAddress } from '../batch/address.js';
import type { EntityRef } from '../domain/entity.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import { KeyTable } from './key_table.js';
import { partitionOf, PARTITIONS, shareOf } from './partition.js';
import { UseOrder } from './use_order.js';

/** What each object on the slots of an entity is, besides. */
export interface EntityState {
  /**
   * The entity is to become another one: makes this as if it were new.
   * @returns false when a new one is as cheap; it is then let go
   */
  recycle(): boolean;
}

/**
 * One entity of a shard. Others hang their state on `slots`, by the number they were given, so that
 * a record costs one look-up however many detectors there are.
 *
 * When a full table forgets one, the object goes to the entity that comes, unless somebody holds it:
 * in a flood of new addresses, making and collecting them was most of what judging cost.
 */
export class Entity {
  key = 0;
  kind: EntityRef['kind'] = 'device';
  readonly slots: (object | null)[];
  /** It answered somebody, or was answered: an address that nobody made up. */
  isProven = false;
  /** The flow that it was first seen in, as long as it was seen in no other; else -1. */
  onlyFlow = -1;
  /** It was forgotten: nobody looks it up any more. */
  isForgotten = false;
  /** Kept while others are forgotten, since an alarm is open. */
  isPinned = false;
  /** Ticks in which it was seen; idle ones are not counted and not bet on. */
  activeTicks = 0;
  lastTick = -1;
  /** Its position in the order of use; for the table alone. */
  readonly place: number;
  /** The 16 bytes of its address, as four words: cheaper to keep than an array. */
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;
  #prefixBits = -1;
  #ref: EntityRef | null = null;
  #holders = 0;

  constructor(place: number, nSlots: number) {
    this.place = place;
    this.slots = new Array<object | null>(nSlots).fill(null);
  }

  /** Becomes the entity of `spec`, of which nothing is known. */
  become(spec: EntitySpec): void {
    this.key = spec.key;
    this.kind = spec.kind;
    this.isProven = spec.isProven;
    this.onlyFlow = spec.flow ?? -1;
    this.isForgotten = false;
    this.isPinned = false;
    this.activeTicks = 0;
    this.lastTick = -1;
    this.#word0 = wordAt(spec.bytes, spec.at);
    this.#word1 = wordAt(spec.bytes, spec.at + 4);
    this.#word2 = wordAt(spec.bytes, spec.at + 8);
    this.#word3 = wordAt(spec.bytes, spec.at + 12);
    this.#prefixBits = spec.prefixBits ?? -1;
    this.#ref = null;
    const { slots } = this;
    for (let i = 0; i < slots.length; i++) {
      const state = slots[i] as EntityState | null;
      if (state !== null && !state.recycle()) slots[i] = null;
    }
  }

  /** Writes what `restore` needs to make it again, without its slots. */
  save(out: StateWriter): void {
    out.f64(this.key);
    out.u8(KINDS.indexOf(this.kind));
    for (const word of [this.#word0, this.#word1, this.#word2, this.#word3]) out.u32(word >>> 0);
    out.u8(this.#prefixBits + 1);
    out.flag(this.onlyFlow >= 0);
    out.u32(Math.max(0, this.onlyFlow));
    out.u32(this.activeTicks);
    out.f64(this.lastTick);
  }

  /** Somebody keeps this object beyond the record: until `release` it becomes no other entity. */
  hold(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
  }

  /**
   * It is known to exist and was seen in more than one short flow: there is something to compare.
   * Habits are learned of such ones alone, since most who come in a flood, or to a popular server,
   * never come again.
   */
  get isRegular(): boolean {
    return this.isProven && this.onlyFlow < 0;
  }

  get isHeld(): boolean {
    return this.#holders > 0;
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

/** As saved states number them. */
const KINDS: readonly EntityRef['kind'][] = ['device', 'external', 'segment', 'service'];

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
  /** The flow that it shows itself in; none by default. */
  readonly flow?: number;
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

/** A hundred thousand hosts, in whole shares of partitions. */
export const ENTITY_TABLE_DEFAULTS = { provenMost: 100_352, probationMost: 8_192 } as const;

/** How many pinned entities a full ward passes over before it forgets one all the same. */
const PINNED_PASSED_OVER = 8;

/** Lists of the order of use: one a part of the key space for each kind. */
const PROBATION = 0;
const PROVEN = PARTITIONS;

/**
 * The entities of a shard: proven ones, and apart from them, in probation, those that nothing shows
 * to exist. Both are bounded, in each part of the key space for itself (models/partition.ts), and
 * forget whom they saw longest ago; that is counted.
 */
export class EntityTable {
  readonly #nSlots: number;
  readonly #provenMost: number;
  readonly #probationMost: number;
  readonly #entities = new KeyTable<Entity>();
  readonly #order = new UseOrder(2 * PARTITIONS);
  readonly #atPlace: Entity[] = [];
  /** Forgotten ones that may become others, and places of those that may not. */
  readonly #spare: Entity[] = [];
  readonly #freePlaces: number[] = [];
  /** Hosts that gave proof so far. Made-up ones are not counted: they come again and again. */
  provenHosts = 0;
  provenEvictions = 0;
  probationEvictions = 0;

  constructor(options: EntityTableOptions) {
    this.#nSlots = options.nSlots;
    this.#provenMost = shareOf(options.provenMost);
    this.#probationMost = shareOf(options.probationMost);
  }

  get size(): number {
    return this.#entities.size;
  }

  find(key: number): Entity | undefined {
    return this.#entities.get(key);
  }

  /** Those that were seen in `tick`, by their keys. Walks the whole table. */
  seenIn(tick: number): Entity[] {
    return this.#atPlace
      .filter((entity) => entity.lastTick === tick && !entity.isForgotten)
      .sort((a, b) => a.key - b.key);
  }

  /** Takes note that an entity was seen in `tick`. */
  touch(entity: Entity, tick: number): void {
    if (entity.lastTick === tick) return;
    entity.lastTick = tick;
    entity.activeTicks++;
    // One that was forgotten is still held by a detector that has not settled it.
    if (!entity.isForgotten) this.#order.renew(listOf(entity.key, entity.isProven), entity.place);
  }

  create(spec: EntitySpec): Entity {
    this.#makeRoom(spec.key, spec.isProven);
    const entity = this.#spare.pop() ?? this.#make();
    entity.become(spec);
    this.#admit(entity);
    this.#entities.add(entity.key, entity);
    return entity;
  }

  /** Moves an entity out of probation. */
  prove(entity: Entity): void {
    if (entity.isProven || entity.isForgotten) return;
    this.#order.remove(listOf(entity.key, false), entity.place);
    entity.isProven = true;
    this.#makeRoom(entity.key, true);
    this.#admit(entity);
  }

  /**
   * Writes the entities of one part of the key space, each list in the order of use; nothing where
   * there are none.
   * @param saveSlots writes what hangs on an entity
   */
  save(partition: number, out: StateWriter, saveSlots: (entity: Entity) => void): void {
    const lists = [PROBATION + partition, PROVEN + partition];
    if (lists.every((list) => this.#order.sizeOf(list) === 0)) return;
    for (const list of lists) {
      const places = this.#order.places(list);
      out.u32(places.length);
      for (const place of places) {
        out.part(() => {
          this.#atPlace[place]!.save(out);
          saveSlots(this.#atPlace[place]!);
        });
      }
    }
  }

  /**
   * Reads what `save` wrote, of one part of the key space by one shard.
   * @param owns says of a key whether its entity is wanted; others are passed over
   */
  restore(
    from: StateReader,
    owns: (key: number) => boolean,
    restoreSlots: (entity: Entity, from: StateReader) => void,
  ): void {
    for (const isProven of [false, true]) {
      const n = from.count(from.left);
      for (let i = 0; i < n; i++) {
        const part = from.part();
        const spec = specOf(part, isProven);
        if (!owns(spec.key) || this.find(spec.key) !== undefined) continue;
        const entity = this.create(spec);
        entity.activeTicks = part.u32();
        entity.lastTick = part.time(TICK_US);
        restoreSlots(entity, part);
      }
    }
  }

  #make(): Entity {
    const place = this.#freePlaces.pop() ?? this.#atPlace.length;
    const entity = new Entity(place, this.#nSlots);
    this.#atPlace[place] = entity;
    return entity;
  }

  #admit(entity: Entity): void {
    if (entity.isProven && entity.kind !== 'segment') this.provenHosts++;
    this.#order.add(listOf(entity.key, entity.isProven), entity.place);
  }

  #makeRoom(key: number, isProven: boolean): void {
    const list = listOf(key, isProven);
    if (this.#order.sizeOf(list) < (isProven ? this.#provenMost : this.#probationMost)) return;
    const forgotten = this.#oldestOf(list);
    forgotten.isForgotten = true;
    this.#order.remove(list, forgotten.place);
    this.#entities.delete(forgotten.key);
    if (forgotten.isHeld) this.#freePlaces.push(forgotten.place);
    else this.#spare.push(forgotten);
    if (isProven) this.provenEvictions++;
    else this.probationEvictions++;
  }

  #oldestOf(list: number): Entity {
    for (let passed = 0; passed < PINNED_PASSED_OVER; passed++) {
      const oldest = this.#atPlace[this.#order.oldestOf(list)]!;
      if (!oldest.isPinned) return oldest;
      this.#order.renew(list, oldest.place);
    }
    return this.#atPlace[this.#order.oldestOf(list)]!;
  }
}

function specOf(from: StateReader, isProven: boolean): EntitySpec {
  const key = from.natural();
  const kind = KINDS[from.u8()] ?? 'device';
  const bytes = Uint8Array.from({ length: 16 });
  const words = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++) words.setUint32(4 * i, from.u32(), true);
  const prefixBits = from.u8() - 1;
  const hasFlow = from.flag();
  const onlyFlow = from.u32();
  const flow = hasFlow ? onlyFlow : -1;
  const spec = { key, kind, isProven, bytes, at: 0, flow };
  return prefixBits < 0 ? spec : { ...spec, prefixBits };
}

function listOf(key: number, isProven: boolean): number {
  return (isProven ? PROVEN : PROBATION) + partitionOf(key);
}
