import { LANES, LANE_WEIGHTS, type LaneId } from '../domain/lanes.js';
import { logAddExp } from '../models/e_value.js';
import { EvidenceKeeper } from './evidence_keeper.js';
import { LaneWealth } from './lane_wealth.js';

/** Weight of the lanes that exist, and of those whose weight rests as idle wealth 1. */
const BUILT_WEIGHT = sumOfWeights(true);
const RESTING_WEIGHT = sumOfWeights(false);

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
  readonly #lanes = new Array<LaneWealth | null>(LANES.length).fill(null);
  /** Weight of the built lanes that never had a bet: each holds one unit for every active tick. */
  #untouchedWeight = BUILT_WEIGHT;

  /** @param activeTick number of the entity's active tick, from 1 */
  bet(lane: number, activeTick: number, lnE: number): void {
    let wealth = this.#lanes[lane] ?? null;
    if (wealth === null) {
      wealth = this.#lanes[lane] = new LaneWealth(LANES[lane]!.phases);
      this.#untouchedWeight = Math.max(0, this.#untouchedWeight - LANE_WEIGHTS[lane]!);
    }
    wealth.bet(activeTick, lnE);
  }

  /** ln M. */
  lnWealth(activeTick: number): number {
    let ln = Math.log(RESTING_WEIGHT + this.#untouchedWeight * activeTick);
    for (let lane = 0; lane < this.#lanes.length; lane++) {
      const wealth = this.#lanes[lane] ?? null;
      if (wealth === null) continue;
      ln = logAddExp(ln, Math.log(LANE_WEIGHTS[lane]!) + wealth.lnWealth(activeTick));
    }
    return ln;
  }

  /** Weighted wealth of the lanes that had bets, largest first. */
  lanes(activeTick: number): { lane: LaneId; lnWealth: number }[] {
    return this.#lanes
      .map((wealth, i) => ({ wealth, lane: LANES[i]!.id, weight: LANE_WEIGHTS[i]! }))
      .filter(({ wealth }) => wealth !== null)
      .map(({ wealth, lane, weight }) => {
        return { lane, lnWealth: Math.log(weight) + wealth!.lnWealth(activeTick) };
      })
      .sort((a, b) => b.lnWealth - a.lnWealth);
  }

  ticksRunning(lane: number, activeTick: number): number {
    return this.#lanes[lane]?.ticksRunning(activeTick) ?? activeTick;
  }
}

function sumOfWeights(built: boolean): number {
  return LANES.reduce((sum, lane, i) => (lane.built === built ? sum + LANE_WEIGHTS[i]! : sum), 0);
}
