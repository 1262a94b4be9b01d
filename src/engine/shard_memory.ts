import type { Detector } from '../detectors/detector.js';
import type { LaneId } from '../domain/lanes.js';
import type { LearnedFigures, LearnedState } from '../domain/learned_state.js';
import type { StateReader } from '../domain/state_reader.js';
import { StateWriter } from '../domain/state_writer.js';
import type { Fusion } from '../fusion/fusion.js';
import type { Entity, EntityTable } from '../models/entity_table.js';
import { PARTITIONS } from '../models/partition.js';
import type { Population } from '../models/population.js';
import { piecesOf, sectionOf, slotsOf, type ShardState, type SlotName } from './shard_state.js';

/** The slot of an entity that holds its wealth; those of the detectors follow. */
export const WEALTH_SLOT = 0;
const WEALTH: SlotName = { name: 'wealth', version: 1 };
const NOBODY = -1;

/** What the memory of a shard is made of. */
export interface ShardMemoryParts {
  /** In the order of their slots. */
  readonly detectors: readonly Detector[];
  readonly ofLane: ReadonlyMap<LaneId, Detector>;
  readonly entities: EntityTable;
  readonly population: Population;
  readonly fusion: Fusion;
}

/** Writes what a shard has learned, and reads it back. It keeps nothing of its own. */
export class ShardMemory {
  readonly #parts: ShardMemoryParts;

  constructor(parts: ShardMemoryParts) {
    this.#parts = parts;
  }

  /**
   * REQUIRES: no tick is under way.
   * @param untilUs engine time that it holds for
   */
  save(untilUs: number): ShardState {
    return {
      untilUs,
      slots: this.#slots,
      entities: Array.from({ length: PARTITIONS }, (_, partition) => this.#saveEntities(partition)),
      shared: this.#parts.detectors
        .filter((detector) => detector.saveShared !== undefined)
        .map((detector) => [detector.name, written((out) => detector.saveShared!(out))]),
      population: this.#savePopulation(),
      figures: this.#figures,
    };
  }

  /** An earlier state, with what the population knows now. */
  withPopulation(state: ShardState): ShardState {
    return {
      ...state,
      population: this.#savePopulation(),
      figures: { ...this.#figures, hosts: state.figures.hosts },
    };
  }

  /**
   * REQUIRES: nothing was judged yet.
   * @param shiftUs added to all moments; wealth is left out unless it is 0
   * @param owns says of a key whether this shard judges its entity
   * @throws ThymusError MODEL_INVALID
   */
  restore(state: LearnedState, shiftUs: number, owns: (key: number) => boolean): void {
    const { detectors, entities, population } = this.#parts;
    population.restore(sectionOf(state, 'population', shiftUs));
    const slots = slotsOf(state).map((saved) => this.#slotOf(saved));
    for (let p = 0; p < PARTITIONS; p++) {
      for (const piece of piecesOf(state, `entities/${p}`, shiftUs)) {
        entities.restore(piece, owns, (entity, from) => this.#restoreSlots(entity, from, slots));
      }
    }
    for (const slot of slots) {
      const detector = detectors[slot - 1];
      if (detector === undefined) continue;
      for (const piece of piecesOf(state, `shared/${detector.name}`, shiftUs)) {
        detector.restoreShared?.(piece, (key) => entities.find(key));
      }
    }
  }

  /** Those of detectors that keep nothing have version 0. */
  get #slots(): readonly SlotName[] {
    const ofDetectors = this.#parts.detectors.map(({ name, memoryVersion }) => {
      return { name, version: memoryVersion ?? 0 };
    });
    return [WEALTH, ...ofDetectors];
  }

  get #figures(): LearnedFigures {
    const { edges } = this.#parts.population;
    return {
      hosts: this.#parts.entities.provenHosts,
      edges: edges.size,
      firstSights: edges.firstSights,
    };
  }

  #savePopulation(): Uint8Array {
    return written((out) => this.#parts.population.save(out));
  }

  #saveEntities(partition: number): Uint8Array {
    return written((out) =>
      this.#parts.entities.save(partition, out, (entity) => this.#saveSlots(entity, out)),
    );
  }

  #saveSlots(entity: Entity, out: StateWriter): void {
    for (let slot = 0; slot < entity.slots.length; slot++) {
      if (entity.slots[slot] === null) continue;
      const detector = slot === WEALTH_SLOT ? null : this.#parts.detectors[slot - 1]!;
      if (detector !== null && detector.saveEntity === undefined) continue;
      out.u8(slot);
      out.part(() => {
        if (detector === null) this.#parts.fusion.saveEntity(entity, out);
        else detector.saveEntity!(entity, out);
      });
    }
  }

  /** Wealth last: it is worth nothing where its detector has forgotten why. */
  #restoreSlots(entity: Entity, from: StateReader, slots: readonly number[]): void {
    const { detectors, ofLane, fusion } = this.#parts;
    let wealth: StateReader | null = null;
    while (from.left > 0) {
      const slot = slots[from.u8()];
      const part = from.part();
      if (slot === WEALTH_SLOT) wealth = part;
      else detectors[(slot ?? NOBODY) - 1]?.restoreEntity?.(entity, part);
    }
    if (wealth === null || wealth.shiftUs !== 0) return;
    fusion.restoreEntity(entity, wealth, (lane) => {
      const detector = ofLane.get(lane);
      return detector !== undefined && entity.slots[detectors.indexOf(detector) + 1] !== null;
    });
  }

  /** NOBODY's when nothing here can read it. */
  #slotOf(saved: SlotName): number {
    return this.#slots.findIndex(
      ({ name, version }) => name === saved.name && version === saved.version,
    );
  }
}

function written(write: (out: StateWriter) => void): Uint8Array {
  const out = new StateWriter();
  write(out);
  return out.take();
}
