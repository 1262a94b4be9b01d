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
  readonly #phases: number;
  /** ln R of each phase at its last visit that was counted, then the number of those visits. */
  readonly #state: Float64Array;
  #startTick = 0;

  constructor(phases: number) {
    this.#phases = phases;
    this.#state = new Float64Array(2 * phases).fill(-Infinity, 0, phases);
  }

  /**
   * Multiplies by an e-value.
   * @param tick number of the entity's active tick, from 1; never less than before
   */
  bet(tick: number, lnE: number): void {
    const phases = this.#phases;
    const phase = tick % phases;
    this.#state[phase] = this.#lnAt(phase, tick) + lnE;
    this.#state[phases + phase] = visitsOf(phase, phases, tick);
    if (phases === 1 && this.#state[0]! <= 0) this.#startTick = tick;
  }

  /** ln R at an active tick, the tick's own stake included. */
  lnWealth(tick: number): number {
    if (this.#phases === 1) return this.#lnAt(0, tick);
    let sum = -Infinity;
    for (let phase = 0; phase < this.#phases; phase++) {
      sum = logAddExp(sum, this.#lnAt(phase, tick));
    }
    return sum - Math.log(this.#phases);
  }

  /** Active ticks since its wealth was last gone: what a lane of no evidence would have gained. */
  ticksRunning(tick: number): number {
    return Math.max(1, tick - this.#startTick);
  }

  #lnAt(phase: number, tick: number): number {
    const ln = this.#state[phase]!;
    const stakes = visitsOf(phase, this.#phases, tick) - this.#state[this.#phases + phase]!;
    return stakes > 0 ? logAddExp(ln, Math.log(stakes)) : ln;
  }
}

/** How many of the ticks 1..tick belong to a phase. */
function visitsOf(phase: number, phases: number, tick: number): number {
  const first = phase === 0 ? phases : phase;
  return tick < first ? 0 : Math.floor((tick - first) / phases) + 1;
}
