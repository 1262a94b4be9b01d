import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
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
  /** The phases that had bets, by their numbers: most lanes of most entities have one. */
  #first: Phase | null = null;
  #startTick = 0;

  constructor(phases: number) {
    this.#phases = phases;
  }

  /**
   * Multiplies by an e-value.
   * @param tick number of the entity's active tick, from 1; never less than before
   */
  bet(tick: number, lnE: number): void {
    const phase = this.#phaseOf(tick % this.#phases);
    const visits = visitsOf(phase.number, this.#phases, tick);
    phase.ln = lnAt(phase, visits) + lnE;
    phase.visits = visits;
    if (this.#phases === 1 && phase.ln <= 0) this.#startTick = tick;
  }

  /** ln R at an active tick, the tick's own stake included. */
  lnWealth(tick: number): number {
    let sum = -Infinity;
    let phase = this.#first;
    for (let number = 0; number < this.#phases; number++) {
      const visits = visitsOf(number, this.#phases, tick);
      if (phase?.number === number) {
        sum = logAddExp(sum, lnAt(phase, visits));
        phase = phase.next;
      } else if (visits > 0) {
        sum = logAddExp(sum, Math.log(visits));
      }
    }
    return this.#phases === 1 ? sum : sum - Math.log(this.#phases);
  }

  /** Active ticks since its wealth was last gone: what a lane of no evidence would have gained. */
  ticksRunning(tick: number): number {
    return Math.max(1, tick - this.#startTick);
  }

  save(out: StateWriter): void {
    out.f64(this.#startTick);
    const phases: Phase[] = [];
    for (let phase = this.#first; phase !== null; phase = phase.next) phases.push(phase);
    out.u32(phases.length);
    for (const { number, ln, visits } of phases) out.f64s([number, ln, visits]);
  }

  /** REQUIRES: there was no bet yet. Phases that the lane no longer has are left out. */
  restore(from: StateReader): void {
    this.#startTick = from.f64();
    const n = from.count(PHASES_MOST);
    for (let i = 0; i < n; i++) {
      const [number, ln, visits] = [from.natural(), from.f64(), from.natural()];
      if (number >= this.#phases) continue;
      const phase = this.#phaseOf(number);
      phase.ln = ln;
      phase.visits = visits;
    }
  }

  #phaseOf(number: number): Phase {
    let before: Phase | null = null;
    let after = this.#first;
    while (after !== null && after.number < number) {
      before = after;
      after = after.next;
    }
    if (after?.number === number) return after;
    const phase = new Phase(number, after);
    if (before === null) this.#first = phase;
    else before.next = phase;
    return phase;
  }
}

/** More than any lane has. */
const PHASES_MOST = 1024;

class Phase {
  readonly number: number;
  next: Phase | null;
  /** ln R at the last visit that was counted, and how many were. */
  ln = -Infinity;
  visits = 0;

  constructor(number: number, next: Phase | null) {
    this.number = number;
    this.next = next;
  }
}

function lnAt(phase: Phase, visits: number): number {
  const stakes = visits - phase.visits;
  return stakes > 0 ? logAddExp(phase.ln, Math.log(stakes)) : phase.ln;
}

/** How many of the ticks 1..tick belong to a phase. */
function visitsOf(phase: number, phases: number, tick: number): number {
  const first = phase === 0 ? phases : phase;
  return tick < first ? 0 : Math.floor((tick - first) / phases) + 1;
}
