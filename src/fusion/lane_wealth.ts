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
  /** Position in LANES. */
  readonly lane: number;
  readonly #phases: number;
  /**
   * The phases that had bets, ascending, a row each: its number, ln R at the last visit that was
   * counted, and how many were. In one list, since entities are many and an object takes three times
   * as much.
   */
  #rows: number[] = NO_ROWS;
  #startTick = 0;

  /** @param lane position in LANES */
  constructor(phases: number, lane: number) {
    this.#phases = phases;
    this.lane = lane;
  }

  /**
   * Multiplies by an e-value.
   * @param tick number of the entity's active tick, from 1; never less than before
   */
  bet(tick: number, lnE: number): void {
    const number = tick % this.#phases;
    const at = this.#rowOf(number);
    const rows = this.#rows;
    const visits = visitsOf(number, this.#phases, tick);
    const ln = lnAt(rows, at, visits) + lnE;
    rows[at + LN] = ln;
    rows[at + VISITS] = visits;
    if (this.#phases === 1 && ln <= 0) this.#startTick = tick;
  }

  /** ln R at an active tick, the tick's own stake included. */
  lnWealth(tick: number): number {
    const rows = this.#rows;
    let sum = -Infinity;
    let at = 0;
    for (let number = 0; number < this.#phases; number++) {
      const visits = visitsOf(number, this.#phases, tick);
      if (at < rows.length && rows[at] === number) {
        sum = logAddExp(sum, lnAt(rows, at, visits));
        at += ROW;
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
    out.u32(this.#rows.length / ROW);
    out.f64s(this.#rows);
  }

  /** REQUIRES: there was no bet yet. Phases that the lane no longer has are left out. */
  restore(from: StateReader): void {
    this.#startTick = from.f64();
    const n = from.count(PHASES_MOST);
    for (let i = 0; i < n; i++) {
      const [number, ln, visits] = [from.natural(), from.f64(), from.natural()];
      if (number >= this.#phases) continue;
      const at = this.#rowOf(number);
      this.#rows[at + LN] = ln;
      this.#rows[at + VISITS] = visits;
    }
  }

  /** Where the row of a phase begins; made when it has none. */
  #rowOf(number: number): number {
    const rows = this.#rows;
    let at = 0;
    while (at < rows.length && rows[at]! < number) at += ROW;
    if (at < rows.length && rows[at] === number) return at;
    const grown = new Array<number>(rows.length + ROW);
    for (let i = 0; i < at; i++) grown[i] = rows[i]!;
    grown[at] = number;
    grown[at + LN] = -Infinity;
    grown[at + VISITS] = 0;
    for (let i = at; i < rows.length; i++) grown[i + ROW] = rows[i]!;
    this.#rows = grown;
    return at;
  }
}

const NO_ROWS: never[] = [];
const ROW = 3;
const LN = 1;
const VISITS = 2;

/** More than any lane has. */
const PHASES_MOST = 1024;

function lnAt(rows: readonly number[], at: number, visits: number): number {
  const ln = rows[at + LN]!;
  const stakes = visits - rows[at + VISITS]!;
  return stakes > 0 ? logAddExp(ln, Math.log(stakes)) : ln;
}

/** How many of the ticks 1..tick belong to a phase. */
function visitsOf(phase: number, phases: number, tick: number): number {
  const first = phase === 0 ? phases : phase;
  return tick < first ? 0 : Math.floor((tick - first) / phases) + 1;
}
