import { LANES, LANE_INDEX, LANE_WEIGHTS, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import type { EntityState } from '../models/entity_table.js';
import { logAddExp } from '../models/e_value.js';
import { EvidenceKeeper } from './evidence_keeper.js';
import { LaneWealth } from './lane_wealth.js';

/** Weight of the lanes that exist, and of those whose weight rests as idle wealth 1. */
const BUILT_WEIGHT = sumOfWeights(true);
const RESTING_WEIGHT = sumOfWeights(false);
const BOUND_MARGIN = 1 + 1e-6;
const LN_WEIGHTS = LANE_WEIGHTS.map(Math.log);
const NO_LANES: readonly LaneWealth[] = [];

/** What M is compared to again and again: as ln, and as it is. */
export interface Level {
  readonly ln: number;
  readonly wealth: number;
}

export function levelOf(ln: number): Level {
  return { ln, wealth: Math.exp(ln) };
}

/**
 * Fused wealth of one entity: M = sum over lanes of weight * R. Wealth is averaged over lanes, so no
 * independence between detectors is needed, and the price of a lane is paid once.
 */
export class EntityWealth implements EntityState {
  isOpen = false;
  /** Tick of the last evidence for an attack. */
  lastTick = -1;
  /** Pieces of evidence when an alarm was last sent. */
  sentCount = 0;
  /** The lanes that had bets. */
  #lanes: readonly LaneWealth[] = NO_LANES;
  #keeper: EvidenceKeeper | null = null;
  /** Weight of the built lanes that never had a bet: each holds one unit for every active tick. */
  #untouchedWeight = BUILT_WEIGHT;
  /** ln M, and the active tick that it holds for until the next bet. */
  #lnWealth = 0;
  #lnWealthTick = -1;
  /**
   * M is at most this at an active tick: a tick adds at most one unit, a bet multiplies by e^lnE at
   * most, and what is lost is not counted until M is asked for. Most are asked whether M is below
   * something that it never comes near to, which this answers without the logarithms of all phases.
   */
  #most = 1;
  #mostTick = 0;

  /** What was said about the entity; made when first asked for, since most bets lose. */
  get keeper(): EvidenceKeeper {
    return (this.#keeper ??= new EvidenceKeeper());
  }

  recycle(): boolean {
    return false;
  }

  /** @param activeTick number of the entity's active tick, from 1 */
  bet(lane: number, activeTick: number, lnE: number): void {
    (this.#find(lane) ?? this.#create(lane)).bet(activeTick, lnE);
    this.#lnWealthTick = -1;
    this.#raise(activeTick);
    if (lnE > 0) this.#most *= Math.exp(lnE);
  }

  /** Whether M is below a level. */
  isBelow(level: Level, activeTick: number): boolean {
    this.#raise(activeTick);
    // The margin is for what rounding may take from either side.
    if (this.#most * BOUND_MARGIN < level.wealth) return true;
    return this.lnWealth(activeTick) < level.ln;
  }

  /** ln M. */
  lnWealth(activeTick: number): number {
    if (this.#lnWealthTick === activeTick) return this.#lnWealth;
    let ln = Math.log(RESTING_WEIGHT + this.#untouchedWeight * activeTick);
    for (let i = 0; i < this.#lanes.length; i++) {
      const wealth = this.#lanes[i]!;
      ln = logAddExp(ln, LN_WEIGHTS[wealth.lane]! + wealth.lnWealth(activeTick));
    }
    this.#lnWealth = ln;
    this.#lnWealthTick = activeTick;
    this.#most = Math.exp(ln) * BOUND_MARGIN;
    this.#mostTick = activeTick;
    return ln;
  }

  /** Weighted wealth of the lanes that had bets, largest first. */
  lanes(activeTick: number): { lane: LaneId; lnWealth: number }[] {
    return this.#lanes
      .map((wealth) => {
        return {
          lane: LANES[wealth.lane]!.id,
          lnWealth: LN_WEIGHTS[wealth.lane]! + wealth.lnWealth(activeTick),
        };
      })
      .sort((a, b) => b.lnWealth - a.lnWealth || LANE_INDEX[a.lane] - LANE_INDEX[b.lane]);
  }

  ticksRunning(lane: number, activeTick: number): number {
    return this.#find(lane)?.ticksRunning(activeTick) ?? activeTick;
  }

  save(out: StateWriter): void {
    out.flag(this.isOpen);
    out.f64(this.lastTick);
    out.f64(this.sentCount);
    out.u32(this.#lanes.length);
    for (const wealth of this.#lanes) {
      out.text(LANES[wealth.lane]!.id);
      out.part(() => wealth.save(out));
    }
    out.flag(this.#keeper !== null);
    this.#keeper?.save(out);
  }

  /**
   * REQUIRES: there was no bet yet.
   * @param isKnown says of a lane whether its detector still knows the entity; the wealth of others
   * is left out, since nobody could say what it is for
   */
  restore(from: StateReader, isKnown: (lane: LaneId) => boolean): void {
    const isOpen = from.flag();
    this.lastTick = from.time(TICK_US);
    this.sentCount = from.natural();
    const n = from.count(from.left);
    for (let i = 0; i < n; i++) {
      const index = LANE_INDEX[from.text() as LaneId] as number | undefined;
      const part = from.part();
      if (index !== undefined && isKnown(LANES[index]!.id)) this.#create(index).restore(part);
    }
    if (from.flag()) this.keeper.restore(from);
    this.isOpen = isOpen && this.#lanes.length > 0;
    this.#most = Infinity;
  }

  #raise(activeTick: number): void {
    if (activeTick === this.#mostTick) return;
    this.#most += activeTick - this.#mostTick;
    this.#mostTick = activeTick;
  }

  #find(lane: number): LaneWealth | undefined {
    for (let i = 0; i < this.#lanes.length; i++) {
      if (this.#lanes[i]!.lane === lane) return this.#lanes[i];
    }
    return undefined;
  }

  #create(lane: number): LaneWealth {
    const wealth = new LaneWealth(LANES[lane]!.phases, lane);
    // A list that is spread or pushed to makes room for 16 more.
    this.#lanes = this.#lanes.concat(wealth);
    this.#untouchedWeight = Math.max(0, this.#untouchedWeight - LANE_WEIGHTS[lane]!);
    return wealth;
  }
}

function sumOfWeights(built: boolean): number {
  return LANES.reduce((sum, lane, i) => (lane.built === built ? sum + LANE_WEIGHTS[i]! : sum), 0);
}
