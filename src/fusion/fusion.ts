import type { EntityRef } from '../domain/entity.js';
import type { Evidence } from '../domain/evidence.js';
import type { EvidenceSink } from '../domain/evidence_sink.js';
import type { Alarm } from '../domain/incident.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { Order } from '../domain/order.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import type { Entity } from '../models/entity_table.js';
import { EntityWealth, levelOf, type Level } from './entity_wealth.js';

/** Quiet ticks after which an alarm closes and the entity starts anew: ten minutes. */
const QUIET_TICKS = 120;

/** An open alarm is sent again when its evidence has grown by this factor. */
const UPDATE_GROWTH = 1.25;

/** A tick teaches the models only when the wealth stayed below this share of the threshold. */
const CLEAN_SHARE = 1 / 3;

export interface FusionOptions {
  /** ln of the wealth at which an entity alarms (fusion/budget.ts). */
  readonly threshold: number;
  /** The slot of an entity that holds its wealth. */
  readonly slot: number;
  readonly sink: EvidenceSink;
  /** What an entity did, by the detector of a lane. */
  readonly describe: (entity: Entity, lane: LaneId) => string;
}

/** Wealth of an entity at one moment, for who measures detectors. */
export interface TickWealth {
  readonly entity: EntityRef;
  /** ln M: fused wealth in nats. */
  readonly lnWealth: number;
  /** The weighted wealth of the lanes that had bets, largest first. */
  readonly lanes: readonly {
    readonly lane: LaneId;
    readonly lnWealth: number;
    /** Active ticks since that wealth was last gone, in each of which it got one unit of stake. */
    readonly ticksRunning: number;
  }[];
}

/**
 * Turns the bets of detectors into alarms. Work is done per bet, never per record: lanes and entities
 * that nothing is said about cost nothing.
 */
export class Fusion {
  readonly #options: FusionOptions;
  #threshold: Level;
  #cleanBelow: Level;
  readonly #open = new Map<number, Entity>();
  /** Those that evidence was added to in this tick and that are open, or will be. */
  readonly #added = new Set<Entity>();
  /** No open alarm closes before this tick. */
  #closesNext = -Infinity;
  /** Entities that reached the threshold at the current record. */
  #reached: Entity[] = [];

  constructor(options: FusionOptions) {
    this.#options = options;
    this.#threshold = levelOf(options.threshold);
    this.#cleanBelow = levelOf(CLEAN_SHARE * options.threshold);
  }

  setThreshold(threshold: number): void {
    this.#threshold = levelOf(threshold);
    this.#cleanBelow = levelOf(CLEAN_SHARE * threshold);
  }

  /**
   * Multiplies the wealth of a lane by e^lnE.
   * @returns true when the bet won and is worth explaining with `keep`
   */
  bet(entity: Entity, lane: number, lnE: number): boolean {
    const wealth = this.#wealthOf(entity);
    wealth.bet(lane, entity.activeTicks, lnE);
    if (lnE <= 0) return false;
    wealth.lastTick = entity.lastTick;
    if (!wealth.isOpen && !wealth.isBelow(this.#threshold, entity.activeTicks)) {
      wealth.isOpen = true;
      this.#reached.push(entity);
      entity.hold();
      this.#closesNext = Math.min(this.#closesNext, closeTickOf(wealth));
    }
    if (wealth.isOpen) this.#added.add(entity);
    return wealth.keeper.wants(lnE);
  }

  keep(entity: Entity, evidence: Evidence): void {
    this.#wealthOf(entity).keeper.keep(evidence);
  }

  /** True when what the entity does may teach models what is normal. */
  isClean(entity: Entity): boolean {
    const wealth = entity.slots[this.#options.slot] as EntityWealth | null;
    if (wealth === null) return true;
    if (wealth.isOpen) return false;
    return wealth.isBelow(this.#cleanBelow, entity.activeTicks);
  }

  /** Sends the alarms that the record (or the end of a tick, or of the run) at `order` opened. */
  settle(order: Order): void {
    if (this.#reached.length === 0) return;
    this.#reached.sort((a, b) => a.key - b.key);
    for (const entity of this.#reached) {
      entity.isPinned = true;
      this.#open.set(entity.key, entity);
      this.#send(entity, 'open', { ...order });
    }
    this.#reached = [];
  }

  /**
   * Ends a tick: sends what grew, and closes what has been quiet before `next`.
   * @param next the tick that comes now; Infinity at the end of the run
   */
  endTick(tick: number, next: number): void {
    if (this.#added.size > 0) {
      const grown = [...this.#added].filter(
        (entity) => this.#open.has(entity.key) && this.#hasGrown(entity, tick),
      );
      for (const entity of byKey(grown)) this.#send(entity, 'update', endOf(tick));
      this.#added.clear();
    }
    if (this.#closesNext < next) this.#closeQuiet(next);
  }

  /** Where an entity stands. */
  wealthOf(entity: Entity): TickWealth {
    const wealth = entity.slots[this.#options.slot] as EntityWealth | null;
    return {
      entity: entity.ref,
      lnWealth: (wealth ?? new EntityWealth()).lnWealth(entity.activeTicks),
      lanes: (wealth?.lanes(entity.activeTicks) ?? []).map((row) => {
        const ticksRunning = wealth!.ticksRunning(LANE_INDEX[row.lane], entity.activeTicks);
        return { ...row, ticksRunning };
      }),
    };
  }

  /** Writes the wealth of an entity. REQUIRES: it has some. */
  saveEntity(entity: Entity, out: StateWriter): void {
    this.#wealthOf(entity).save(out);
  }

  /** @param isKnown as for EntityWealth.restore */
  restoreEntity(entity: Entity, from: StateReader, isKnown: (lane: LaneId) => boolean): void {
    const wealth = this.#wealthOf(entity);
    wealth.restore(from, isKnown);
    if (!wealth.isOpen) return;
    entity.isPinned = true;
    entity.hold();
    this.#open.set(entity.key, entity);
    this.#closesNext = Math.min(this.#closesNext, closeTickOf(wealth));
  }

  #closeQuiet(next: number): void {
    const closeTick = (entity: Entity): number => closeTickOf(this.#wealthOf(entity));
    const quiet = [...this.#open.values()].filter((entity) => closeTick(entity) < next);
    quiet.sort((a, b) => closeTick(a) - closeTick(b) || a.key - b.key);
    for (const entity of quiet) {
      this.#send(entity, 'closed', endOf(closeTick(entity)));
      entity.slots[this.#options.slot] = null;
      entity.isPinned = false;
      entity.release();
      this.#open.delete(entity.key);
    }
    this.#closesNext = Infinity;
    for (const entity of this.#open.values()) {
      this.#closesNext = Math.min(this.#closesNext, closeTick(entity));
    }
  }

  #hasGrown(entity: Entity, tick: number): boolean {
    const wealth = this.#wealthOf(entity);
    return wealth.lastTick === tick && wealth.keeper.count >= UPDATE_GROWTH * wealth.sentCount;
  }

  #send(entity: Entity, state: Alarm['state'], order: Order): void {
    const wealth = this.#wealthOf(entity);
    const lanes = wealth.lanes(entity.activeTicks);
    const winner = lanes[0]!.lane;
    const evidence = wealth.keeper.list();
    wealth.sentCount = wealth.keeper.count;
    this.#options.sink.alarm({
      entity: entity.ref,
      state,
      headline: this.#options.describe(entity, winner),
      order,
      timeUs: Number.isFinite(order.timeUs) ? order.timeUs : evidence.at(-1)!.t1Us,
      lnWealth: wealth.lnWealth(entity.activeTicks),
      ticksRunning: wealth.ticksRunning(LANE_INDEX[winner], entity.activeTicks),
      lanes,
      evidence,
      evidenceCount: wealth.keeper.count,
    });
  }

  #wealthOf(entity: Entity): EntityWealth {
    const { slot } = this.#options;
    return (entity.slots[slot] ??= new EntityWealth()) as EntityWealth;
  }
}

function closeTickOf(wealth: EntityWealth): number {
  return wealth.lastTick + QUIET_TICKS;
}

const byKey = (entities: Entity[]): Entity[] => entities.sort((a, b) => a.key - b.key);

/** The moment a tick ends: before every record of the next one. */
export function endOf(tick: number): Order {
  return { timeUs: (tick + 1) * TICK_US, index: -1, sub: 0 };
}
