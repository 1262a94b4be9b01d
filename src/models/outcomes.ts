import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/**
 * Outcomes of a few kinds, and the evidence in each of them that they come from an attack. Kinds are
 * numbers from 0; the probabilities of all kinds sum to 1 under either hypothesis.
 */
export interface OutcomeModel {
  /** P(kind | nothing is wrong) before anything was learned. */
  readonly normal: readonly number[];
  /** Outcomes that this belief is worth. */
  readonly normalWeight: number;
  /** P(kind | attack). */
  readonly attack: readonly number[];
  /** What was seen counts as normal when it is this old, microseconds. */
  readonly learningDelayUs: number;
}

/**
 * What one subject did before, and by that what it is expected to do: Dirichlet-multinomial. An attack
 * that lasts longer than the delay would teach that it is normal, so the caller notes only outcomes of
 * subjects in good standing.
 */
export class OutcomeHistory {
  readonly #kinds: number;
  /**
   * What was learned of each kind, then what waits. A plain array: there are few kinds, many
   * histories, and a typed array costs more to make.
   */
  readonly #counts: number[];
  #settledTotal = 0;
  #pendingTotal = 0;
  #pendingSinceUs = 0;

  constructor(kinds: number) {
    this.#kinds = kinds;
    this.#counts = new Array<number>(2 * kinds).fill(0);
  }

  clear(): void {
    // Who asked nothing, as most made-up hosts, is written to no more than needed.
    if (this.#settledTotal + this.#pendingTotal > 0) this.#counts.fill(0);
    this.#settledTotal = 0;
    this.#pendingTotal = 0;
    this.#pendingSinceUs = 0;
  }

  /** Outcomes that were learned from. */
  get references(): number {
    return this.#settledTotal;
  }

  /** P(the next outcome is of this kind | nothing is wrong). */
  probability(kind: number, model: OutcomeModel): number {
    const { normal, normalWeight } = model;
    const seen = this.#counts[kind]!;
    return (normal[kind]! * normalWeight + seen) / (normalWeight + this.#settledTotal);
  }

  /**
   * ln of P(outcome | attack) / P(outcome | normal), fixed before the outcome was seen. 0 for a subject
   * that is known to do what an attack does: the test has nothing to say then, and not the reverse.
   */
  lnE(kind: number, model: OutcomeModel): number {
    const { normal, attack } = model;
    let known = 0;
    let expected = 0;
    for (let i = 0; i < attack.length; i++) {
      if (attack[i]! <= normal[i]!) continue;
      known += this.probability(i, model);
      expected += attack[i]!;
    }
    return known >= expected ? 0 : Math.log(attack[kind]! / this.probability(kind, model));
  }

  /** Takes note of outcomes of one kind; they teach when they are old enough. */
  note(kind: number, nowUs: number, model: OutcomeModel, times = 1): void {
    if (this.#pendingTotal === 0) this.#pendingSinceUs = nowUs;
    else if (nowUs - this.#pendingSinceUs >= model.learningDelayUs) this.#settle(nowUs);
    this.#counts[this.#kinds + kind]! += times;
    this.#pendingTotal += times;
  }

  /** Learns outcomes of one kind that are old enough already. */
  learn(kind: number, times: number): void {
    this.#counts[kind]! += times;
    this.#settledTotal += times;
  }

  save(out: StateWriter): void {
    out.f64s(this.#counts);
    out.f64(this.#pendingSinceUs);
  }

  /** REQUIRES: as many kinds as were saved. */
  restore(from: StateReader): void {
    const counts = this.#counts;
    const saved = from.f64s(counts.length);
    for (let i = 0; i < counts.length; i++) counts[i] = saved[i]!;
    this.#pendingSinceUs = from.time();
    this.#settledTotal = sumOf(counts.slice(0, this.#kinds));
    this.#pendingTotal = sumOf(counts.slice(this.#kinds));
  }

  #settle(nowUs: number): void {
    for (let i = 0; i < this.#kinds; i++) this.#counts[i]! += this.#counts[this.#kinds + i]!;
    this.#settledTotal += this.#pendingTotal;
    this.#counts.fill(0, this.#kinds);
    this.#pendingTotal = 0;
    this.#pendingSinceUs = nowUs;
  }
}

function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/**
 * Whether a subject among many is worth a bet. Their bets share one wealth, so those that look normal
 * may not eat up what another one has earned: a subject is followed without betting until its own
 * evidence has come back to zero, and again when that has sunk to the floor. The decision is made
 * before each outcome, so the bets stay e-values.
 */
export class Walk {
  static readonly START = -2;
  static readonly FLOOR = -3;
  /** Nats. */
  value = Walk.START;
  isBetOn = false;

  clear(): void {
    this.value = Walk.START;
    this.isBetOn = false;
  }

  /** How many outcomes in a row, each of `lnE` below 0, are bet on before it has sunk. */
  betsBeforeFloor(lnE: number): number {
    return this.isBetOn ? Math.ceil((this.value - Walk.FLOOR) / -lnE) : 0;
  }

  advance(lnE: number): void {
    this.value = Math.max(Walk.FLOOR, this.value + lnE);
    if (this.value <= Walk.FLOOR) this.isBetOn = false;
    else if (this.value >= 0) this.isBetOn = true;
  }

  save(out: StateWriter): void {
    out.f64(this.value);
    out.flag(this.isBetOn);
  }

  restore(from: StateReader): void {
    this.value = from.f64();
    this.isBetOn = from.flag();
  }
}
