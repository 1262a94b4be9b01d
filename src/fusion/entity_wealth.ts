import { LANES, LANE_INDEX, LANE_WEIGHTS, type LaneId } from '../domain/lanes.js';
import { logAddExp } from '../models/e_value.js';
import { EvidenceKeeper } from './evidence_keeper.js';
import { LaneWealth } from './lane_wealth.js';

/** Weight of the lanes that exist, and of those whose weight rests as idle wealth 1. */
const BUILT_WEIGHT = sumOfWeights(true);
const RESTING_WEIGHT = sumOfWeights(false);
const LN_WEIGHTS = LANE_WEIGHTS.map(Math.log);

/**
 * Fused wealth of one entity: M = sum over lanes of weight * R. Wealth is averaged over lanes, so no
 * independence between detectors is needed, and the price of a lane is paid once.
 */
export class EntityWealth {
  readonly keeper = new EvidenceKeeper();
  isOpen = false;
  /** Tick of the last evidence for an attack. */
  lastTick = -Infinity;
  /** Pieces of evidence when an alarm was last sent. */
  sentCount = 0;
  /** The lanes that had bets, by position in LANES. */
  readonly #lanes: { readonly index: number; readonly wealth: LaneWealth }[] = [];
  /** Weight of the built lanes that never had a bet: each holds one unit for every active tick. */
  #untouchedWeight = BUILT_WEIGHT;

  /** @param activeTick number of the entity's active tick, from 1 */
  bet(lane: number, activeTick: number, lnE: number): void {
    (this.#find(lane) ?? this.#create(lane)).bet(activeTick, lnE);
  }

  /** ln M. */
  lnWealth(activeTick: number): number {
    let ln = Math.log(RESTING_WEIGHT + this.#untouchedWeight * activeTick);
    for (const { index, wealth } of this.#lanes) {
      ln = logAddExp(ln, LN_WEIGHTS[index]! + wealth.lnWealth(activeTick));
    }
    return ln;
  }

  /** Weighted wealth of the lanes that had bets, largest first. */
  lanes(activeTick: number): { lane: LaneId; lnWealth: number }[] {
    return this.#lanes
      .map(({ index, wealth }) => {
        return {
          lane: LANES[index]!.id,
          lnWealth: LN_WEIGHTS[index]! + wealth.lnWealth(activeTick),
        };
      })
      .sort((a, b) => b.lnWealth - a.lnWealth || LANE_INDEX[a.lane] - LANE_INDEX[b.lane]);
  }

  ticksRunning(lane: number, activeTick: number): number {
    return this.#find(lane)?.ticksRunning(activeTick) ?? activeTick;
  }

  #find(lane: number): LaneWealth | undefined {
    for (const { index, wealth } of this.#lanes) if (index === lane) return wealth;
    return undefined;
  }

  #create(lane: number): LaneWealth {
    const wealth = new LaneWealth(LANES[lane]!.phases);
    this.#lanes.push({ index: lane, wealth });
    this.#untouchedWeight = Math.max(0, this.#untouchedWeight - LANE_WEIGHTS[lane]!);
    return wealth;
  }
}

function sumOfWeights(built: boolean): number {
  return LANES.reduce((sum, lane, i) => (lane.built === built ? sum + LANE_WEIGHTS[i]! : sum), 0);
}
