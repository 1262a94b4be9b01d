import { formatAddress } from '../batch/address.js';
import { EventRowOffset, type EventRowView } from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { pOfLnE } from '../models/e_value.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { KeySet } from '../models/key_set.js';
import type { Detector, DetectorContext } from './detector.js';

/** Facts remembered per entity in one generation; older ones count as new again. */
const FACTS_MOST = 16;

/** What a detector of facts knows of an entity. */
export class FactsState implements EntityState {
  readonly told = new KeySet(FACTS_MOST);
  /** What was said last. */
  headline = '';

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.told.save(out);
    out.text(this.headline);
  }

  restore(from: StateReader): void {
    this.told.restore(from);
    this.headline = from.text();
  }
}

/** Something that next to nobody does whom nothing ails. */
export interface HardFact {
  /** One entity is told of it once. */
  readonly key: number;
  readonly lnE: number;
  readonly other: string;
  readonly t0Us: number;
  readonly feature: string;
  readonly reason: string;
  readonly flow: FlowRef;
}

/** What is said of a fact that an event shows. */
export type EventFact = Pick<HardFact, 'key' | 'lnE' | 'feature'> & {
  /** One sentence for a person, which the other end's address is given to. */
  readonly reasonWith: (other: string) => string;
};

export interface HardFactDetectorOptions<State extends FactsState> {
  readonly slot: number;
  readonly lane: LaneId;
  readonly makeState: () => State;
}

/**
 * Bets on facts whose null is analytic: P(an entity ever shows such a fact, nothing being wrong) is at
 * most e^-lnE. What is shown again says the same, so an entity is told of each fact once.
 */
export abstract class HardFactDetector<State extends FactsState> implements Detector {
  readonly name: LaneId;
  readonly lanes: readonly LaneId[];
  abstract readonly memoryVersion: number;
  readonly #slot: number;
  readonly #lane: number;
  readonly #makeState: () => State;

  protected constructor({ slot, lane, makeState }: HardFactDetectorOptions<State>) {
    this.name = lane;
    this.lanes = [lane];
    this.#slot = slot;
    this.#lane = LANE_INDEX[lane];
    this.#makeState = makeState;
  }

  describe(entity: Entity): string {
    return this.stateOf(entity)?.headline ?? '';
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    this.stateOf(entity)!.save(out);
  }

  /** What was told goes with the wealth that it brought. */
  restoreEntity(entity: Entity, from: StateReader): void {
    if (from.shiftUs === 0) this.ensureState(entity).restore(from);
  }

  /** Null when there is none yet. */
  protected stateOf(entity: Entity): State | null {
    return entity.slots[this.#slot] as State | null;
  }

  protected ensureState(entity: Entity): State {
    return (entity.slots[this.#slot] ??= this.#makeState()) as State;
  }

  /** True when the entity was not told of it before; then a fact is worth its words. */
  protected isNew(entity: Entity, key: number): boolean {
    return this.stateOf(entity)?.told.has(key) !== true;
  }

  /** A fact that the current event shows. */
  protected factOf(
    event: EventRowView,
    { reasonWith, ...fact }: EventFact,
    context: DetectorContext,
  ): HardFact {
    const other = formatAddress(event.u8, event.at + EventRowOffset.dstAddr);
    const reason = reasonWith(other);
    return { ...fact, other, reason, t0Us: event.tsUs, flow: context.flowRef() };
  }

  protected tell(fact: HardFact, entity: Entity, context: DetectorContext): void {
    const state = this.ensureState(entity);
    if (!state.told.add(fact.key)) return;
    const { lnE, reason, t0Us } = fact;
    if (!context.bet(entity, this.#lane, lnE)) return;
    state.headline = reason;
    context.explain(entity, this.#lane, {
      other: fact.other,
      t0Us,
      t1Us: t0Us,
      lnE,
      p: pOfLnE(lnE),
      reason,
      features: [
        {
          feature: fact.feature,
          observed: 1,
          expectedMedian: 0,
          expectedP99: 0,
          scope: 'default',
          lnEShare: lnE,
          nRef: 0,
        },
      ],
      flows: [fact.flow],
    });
  }
}
