import type { FlowRef } from '../domain/flow.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet } from '../models/key_set.js';
import type { DetectorContext } from './detector.js';

/** Facts remembered per entity in one generation; older ones count as new again. */
const FACTS_MOST = 16;

class FactsState implements EntityState {
  readonly told = new KeySet(FACTS_MOST);
  /** What was said last. */
  headline = '';

  recycle(): boolean {
    return false;
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

/**
 * Bets on facts whose null is analytic: P(an entity shows such a fact in a tick, nothing being wrong)
 * is at most e^-lnE. What is shown again says the same, so an entity is told of each fact once.
 */
export class HardFacts {
  readonly #slot: number;
  readonly #lane: number;

  constructor(slot: number, lane: number) {
    this.#slot = slot;
    this.#lane = lane;
  }

  /** True when the entity was not told of it before; then `tell` is worth its words. */
  isNew(entity: Entity, key: number): boolean {
    return !(entity.slots[this.#slot] as FactsState | null)?.told.has(key);
  }

  tell(fact: HardFact, entity: Entity, context: DetectorContext): void {
    const state = this.#stateOf(entity);
    if (!state.told.add(fact.key)) return;
    const { lnE, reason } = fact;
    if (!context.bet(entity, this.#lane, lnE)) return;
    state.headline = reason;
    context.explain(entity, this.#lane, {
      other: fact.other,
      t0Us: fact.t0Us,
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

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as FactsState).headline;
  }

  save(entity: Entity, out: StateWriter): void {
    const { told, headline } = entity.slots[this.#slot] as FactsState;
    told.save(out);
    out.text(headline);
  }

  /** What was told goes with the wealth that it brought. */
  restore(entity: Entity, from: StateReader): void {
    if (from.shiftUs !== 0) return;
    const state = this.#stateOf(entity);
    state.told.restore(from);
    state.headline = from.text();
  }

  #stateOf(entity: Entity): FactsState {
    return (entity.slots[this.#slot] ??= new FactsState()) as FactsState;
  }
}
