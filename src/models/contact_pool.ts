import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import { clamp } from './bernoulli.js';

/** Groups of first contacts, by the direction of the flow and the version of IP. */
export const CONTACT_GROUPS = 10;

/** @param direction 1 to 4, as in the record; IPv6 apart, since it often fails where IPv4 works */
export function contactGroup(direction: number, ipVersion: number): number {
  return ipVersion === 6 ? 5 + direction : direction;
}

/** Until a group has shown otherwise, four of five first contacts are answered. */
const PRIOR_SUCCESS = 0.8;

/**
 * Success is never thought rarer than this: the test must keep its grip. Nor more common: failures of
 * one device come in clusters (a site is down, a link is), which no average over devices shows, so
 * one may not count for more than ln 8 nats.
 */
const SUCCESS_LEAST = 0.6;
const SUCCESS_MOST = 0.9;

/** What is counted of a group: contacts answered, failed, and failed ones that were abreast. */
export const CONTACT_COUNTS = 3;

/**
 * Until a group has shown otherwise, one of ten failed first contacts was begun abreast of another.
 * Never thought rarer than half of that: a client that races the addresses of one name is no search.
 */
const PRIOR_ABREAST = 0.1;
const ABREAST_LEAST = 0.05;
const ABREAST_MOST = 0.9;

/** First contacts that the prior is worth, in each of the two memories. */
const SLOW_PRIOR_WEIGHT = 100;
const FAST_PRIOR_WEIGHT = 20;

/** Half-lives of the two memories, in ticks: a day, and half a minute. */
const SLOW_HALF_LIFE = 17_280;
const FAST_HALF_LIFE = 6;

/**
 * How often first contacts succeed in a group while nothing is wrong: theta0 of the scan test; and of
 * those that fail, how many were begun without waiting for the one before. The
 * lower of a slow and a fast memory counts, so that an outage, which fails everybody's contacts at
 * once, is not taken for everybody's scan.
 */
export class ContactPool {
  readonly #slow = new Float64Array(CONTACT_COUNTS * CONTACT_GROUPS);
  readonly #fast = new Float64Array(CONTACT_COUNTS * CONTACT_GROUPS);
  /** What `success` says until there is more to learn from. */
  readonly #success = new Float64Array(CONTACT_GROUPS);
  readonly #abreast = new Float64Array(CONTACT_GROUPS);
  #tick = 0;

  constructor() {
    this.#conclude();
  }

  /** Learns the CONTACT_COUNTS of all groups in one tick. Ticks rise. */
  learn(tick: number, outcomes: Float64Array): void {
    const ticks = this.#tick === 0 ? 0 : tick - this.#tick;
    this.#tick = tick;
    decayAndAdd(this.#slow, outcomes, Math.pow(0.5, ticks / SLOW_HALF_LIFE));
    decayAndAdd(this.#fast, outcomes, Math.pow(0.5, ticks / FAST_HALF_LIFE));
    this.#conclude();
  }

  /** P(a first contact is answered | nothing is wrong). */
  success(group: number): number {
    return this.#success[group]!;
  }

  /** P(it was begun abreast of another | a first contact failed and nothing is wrong). */
  abreast(group: number): number {
    return this.#abreast[group]!;
  }

  /** First contacts behind `success`. */
  references(group: number): number {
    const at = CONTACT_COUNTS * group;
    return this.#slow[at]! + this.#slow[at + 1]!;
  }

  save(out: StateWriter): void {
    out.f64s(this.#slow);
    out.f64s(this.#fast);
    out.flag(this.#tick !== 0);
    out.f64(this.#tick);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#slow.set(from.f64s(this.#slow.length));
    this.#fast.set(from.f64s(this.#fast.length));
    const hasLearned = from.flag();
    this.#tick = from.time(TICK_US);
    if (!hasLearned) this.#tick = 0;
    this.#conclude();
  }

  #conclude(): void {
    for (let group = 0; group < CONTACT_GROUPS; group++) {
      const slow = shrunk(this.#slow, group, { mean: PRIOR_SUCCESS, weight: SLOW_PRIOR_WEIGHT });
      const fast = shrunk(this.#fast, group, { mean: slow, weight: FAST_PRIOR_WEIGHT });
      this.#success[group] = clamp(Math.min(slow, fast), SUCCESS_LEAST, SUCCESS_MOST);
      const at = CONTACT_COUNTS * group;
      const abreast = this.#slow[at + 2]! + PRIOR_ABREAST * SLOW_PRIOR_WEIGHT;
      const failed = this.#slow[at + 1]! + SLOW_PRIOR_WEIGHT;
      this.#abreast[group] = clamp(abreast / failed, ABREAST_LEAST, ABREAST_MOST);
    }
  }
}

function decayAndAdd(sums: Float64Array, add: Float64Array, factor: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! * factor + add[i]!;
}

function shrunk(
  sums: Float64Array,
  group: number,
  prior: { readonly mean: number; readonly weight: number },
): number {
  const answered = sums[CONTACT_COUNTS * group]!;
  const failed = sums[CONTACT_COUNTS * group + 1]!;
  return (answered + prior.mean * prior.weight) / (answered + failed + prior.weight);
}
