import { logAddExp } from '../models/e_value.js';

/**
 * Wealth of one lane of one entity: Shiryaev-Roberts, R_t = (R_t-1 + 1) * E_t over active ticks t,
 * in the log domain.
 *
 * Against dependence in time the lane is split into phases: tick t feeds phase t mod n only, and the
 * lane's wealth is the mean of its phases. Bets between ticks multiply without the + 1, so however
 * many there are, a tick adds one unit of stake and the mean of R_t under "nothing is wrong" is at
 * most t. Ticks without a bet are E = 1; they are made up for when the lane is next looked at, so a
 * lane costs nothing while it rests.
 */
export class LaneWealth {
  /** ln R of each phase at its last visit that was counted. */
  readonly #ln: Float64Array;
  /** Visits of each phase that are in `#ln`. */
  readonly #visits: Float64Array;
  #startTick = 0;

  constructor(phases: number) {
    this.#ln = new Float64Array(phases).fill(-Infinity);
    this.#visits = new Float64Array(phases);
  }

  /**
   * Multiplies by an e-value.
   * @param tick number of the entity's active tick, from 1; never less than before
   */
  bet(tick: number, lnE: number): void {
    const phase = tick % this.#ln.length;
    this.#ln[phase] = this.#lnAt(phase, tick) + lnE;
    this.#visits[phase] = visitsOf(phase, this.#ln.length, tick);
    if (this.#ln.length === 1 && this.#ln[0]! <= 0) this.#startTick = tick;
  }

  /** ln R at an active tick, the tick's own stake included. */
  lnWealth(tick: number): number {
    let sum = -Infinity;
    for (let phase = 0; phase < this.#ln.length; phase++) {
      sum = logAddExp(sum, this.#lnAt(phase, tick));
    }
    return sum - Math.log(this.#ln.length);
  }

  /** Active ticks since its wealth was last gone: what a lane of no evidence would have gained. */
  ticksRunning(tick: number): number {
    return Math.max(1, tick - this.#startTick);
  }

  #lnAt(phase: number, tick: number): number {
    const stakes = visitsOf(phase, this.#ln.length, tick) - this.#visits[phase]!;
    return stakes > 0 ? logAddExp(this.#ln[phase]!, Math.log(stakes)) : this.#ln[phase]!;
  }
}

/** How many of the ticks 1..tick belong to a phase. */
function visitsOf(phase: number, phases: number, tick: number): number {
  const first = phase === 0 ? phases : phase;
  return tick < first ? 0 : Math.floor((tick - first) / phases) + 1;
}
