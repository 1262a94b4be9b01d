import { LADDER } from '../domain/action.js';
import type { ActionRecord, Ending, Holder } from '../domain/action_record.js';
import { deadlineAfter, remainingMs, type Moment } from '../domain/moment.js';
import type { Action, ActionBook } from './action_book.js';
import type { Actuator, Order, Outcome } from './actuators/actuator.js';
import { ActuatorQueue } from './actuator_queue.js';
import type { Clock } from './clock.js';

/** So long applying is tried again. */
const APPLY_WITHIN_MS = 30_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
/** Where more than these wait, the next comparison of lists has to do. */
const MOST_VERIFIED = 64;
/** What ends so soon may have ended at its target. */
const LEAST_VERIFIED_MS = 2000;
const MS_PER_S = 1000;

export interface EnforcementParts {
  readonly book: ActionBook;
  readonly clock: Clock;
  readonly actuators: readonly Actuator[];
}

/**
 * Brings what actuators enforce to what the book says. Applying waits until the intent and its
 * inverse, which is the measure with the actuators that may hold it, are on disk. Undoing waits for
 * nothing and is never given up: it also goes on when the disk is full.
 */
export class Enforcement {
  readonly #book: ActionBook;
  readonly #clock: Clock;
  readonly queues: ReadonlyMap<string, ActuatorQueue>;
  /** Calls that failed and are made again, by action and actuator: milliseconds of boot time. */
  readonly #retries = new Map<string, { id: string; actuator: string; atMs: number }>();

  /** Those that were applied again, since the first time did not show. */
  readonly #unverified = new Set<string>();

  constructor({ book, clock, actuators }: EnforcementParts) {
    this.#book = book;
    this.#clock = clock;
    this.queues = new Map(actuators.map((one) => [one.name, new ActuatorQueue(one)]));
  }

  /** From pending, or from nothing. Settles when the first try is over. */
  async begin(id: string, reason: string): Promise<void> {
    const { proposal } = this.#book.get(id)!;
    const { measure } = proposal.chosen;
    const now = this.#clock.now();
    const actuators = [...this.queues.values()]
      .map(({ actuator }) => actuator)
      .filter((actuator) => actuator.handles(measure));
    const holders = actuators.map(({ name }) => holderOf(name));
    const base = {
      began: now,
      expires: deadlineAfter(now, proposal.ttlSeconds * MS_PER_S),
      applyBy: deadlineAfter(now, APPLY_WITHIN_MS),
      holders,
    };
    const changesTraffic = LADDER.find(({ kind }) => kind === measure.kind)!.changesTraffic;
    if (holders.length === 0 && changesTraffic) {
      const why = `No actuator can ${titleOf(measure.kind)}: configure one that does.`;
      this.#book.change(id, { state: 'failed', ending: 'failed', reason: why });
      return;
    }
    if (holders.length === 0) {
      this.#book.change(id, { ...base, state: 'active', reason });
      return;
    }
    this.#book.change(id, { ...base, state: 'applying', reason });
    try {
      await this.#book.commit();
    } catch (error) {
      // Nothing was called yet. What is not written down is not done.
      const why = `It was not applied: ${(error as Error).message}`;
      this.#book.change(id, { holders: [], state: 'failed', ending: 'failed', reason: why });
      return;
    }
    await Promise.all(holders.map(({ actuator }) => this.apply(id, actuator)));
  }

  /** Calls an actuator for an action that is applying or active; twice is harmless. */
  async apply(id: string, actuator: string): Promise<void> {
    const queue = this.queues.get(actuator);
    const outcome =
      queue === undefined ? absent(actuator) : await queue.order('apply', () => this.#wanted(id));
    if (outcome === null || !isWanted(this.#book.get(id)?.record)) return;
    if (!outcome.ok) {
      this.#applyFailed(id, actuator, outcome);
      return;
    }
    this.#setHolder(id, actuator, { state: 'applied', failures: 0, reason: '' });
    const { record } = this.#book.get(id)!;
    if (record.state === 'applying') {
      this.#book.change(id, { state: 'active', reason: record.reason });
    }
    if (queue !== undefined) void this.#verify(id, queue);
  }

  /** Goes on with what was under way when the responder before this one ended. */
  takeUp(id: string): Promise<void>[] {
    return this.#book.get(id)!.record.holders.flatMap(({ actuator, state }) => {
      if (state === 'undoing') return [this.undo(id, actuator)];
      return state === 'applying' ? [this.apply(id, actuator)] : [];
    });
  }

  /** Tells targets that expire by themselves how long an action may stay by now. */
  async prolong(id: string): Promise<void> {
    try {
      await this.#book.commit();
    } catch {
      // It ends at the time that is on disk.
      return;
    }
    for (const { actuator } of this.#book.get(id)!.record.holders) {
      if (this.queues.get(actuator)?.actuator.expiresByItself) await this.apply(id, actuator);
    }
  }

  /** Ends what is live, whatever it is doing. Settles when the first try of undoing is over. */
  async end(id: string, ending: Ending, reason: string): Promise<void> {
    const { record } = this.#book.get(id)!;
    const holders = record.holders.map((holder) =>
      holder.state === 'undone' ? holder : { ...holder, state: 'undoing' as const, failures: 0 },
    );
    this.#book.change(id, { state: 'undoing', ending, reason, holders });
    if (!this.#conclude(id)) {
      await Promise.all(holders.map(({ actuator }) => this.undo(id, actuator)));
    }
  }

  async undo(id: string, actuator: string): Promise<void> {
    const queue = this.queues.get(actuator);
    const isLeft = (): boolean => this.#holder(id, actuator)?.state === 'undoing';
    const outcome =
      queue === undefined
        ? absent(actuator)
        : await queue.order('undo', () => (isLeft() ? this.orderOf(id) : null));
    if (outcome === null || !isLeft()) return;
    if (outcome.ok) {
      this.#setHolder(id, actuator, { state: 'undone', failures: 0, reason: '' });
      this.#conclude(id);
      return;
    }
    const failures = this.#holder(id, actuator)!.failures + 1;
    this.#setHolder(id, actuator, { failures, reason: outcome.reason });
    this.#retry(id, actuator, failures);
  }

  /** Makes the calls whose time has come again. */
  tick(now: Moment): void {
    for (const [key, { id, actuator, atMs }] of this.#retries) {
      if (atMs > now.bootMs) continue;
      this.#retries.delete(key);
      const state = this.#holder(id, actuator)?.state;
      if (state === 'undoing') void this.undo(id, actuator);
      else if (isWanted(this.#book.get(id)?.record)) void this.apply(id, actuator);
    }
  }

  orderOf(id: string): Order {
    const { record, proposal } = this.#book.get(id)!;
    const ttlMs = record.expires === null ? 0 : remainingMs(record.expires, this.#clock.now());
    return { id, measure: proposal.chosen.measure, ttlMs: Math.ceil(ttlMs) };
  }

  /** A target that took an order and does not enforce it gets it once more, and then it is told. */
  async #verify(id: string, queue: ActuatorQueue): Promise<void> {
    const { name } = queue.actuator;
    const key = `${id} ${name}`;
    const order = this.orderOf(id);
    if (queue.length > MOST_VERIFIED || order.ttlMs < LEAST_VERIFIED_MS) return;
    const isEnforced = await queue.ask((actuator) => actuator.verify(order));
    if (isEnforced !== false || !isWanted(this.#book.get(id)?.record)) {
      this.#unverified.delete(key);
      return;
    }
    const reason = `${name} took the order, but does not enforce it: see its own log.`;
    this.#setHolder(id, name, { reason });
    if (this.#unverified.has(key)) {
      this.#unverified.delete(key);
      return;
    }
    this.#unverified.add(key);
    await this.apply(id, name);
  }

  #wanted(id: string): Order | null {
    if (!isWanted(this.#book.get(id)?.record)) return null;
    const order = this.orderOf(id);
    // The next tick ends it.
    return order.ttlMs > 0 ? order : null;
  }

  #applyFailed(id: string, actuator: string, outcome: Outcome & { ok: false }): void {
    const holder = this.#holder(id, actuator)!;
    const failures = holder.failures + 1;
    const { reason } = outcome;
    const { record } = this.#book.get(id)!;
    const isInTime = record.applyBy !== null && remainingMs(record.applyBy, this.#clock.now()) > 0;
    const others = record.holders.filter((one) => one.actuator !== actuator);
    // Where it is in force elsewhere, a gateway that was away shall enforce it, too, when it is back.
    const isInForce = [holder, ...others].some(({ state }) => state === 'applied');
    if (outcome.retry && (isInTime || isInForce)) {
      this.#setHolder(id, actuator, { failures, reason });
      this.#retry(id, actuator, failures);
      return;
    }
    if (others.every(({ state }) => state !== 'applying' && state !== 'applied')) {
      this.#setHolder(id, actuator, { reason });
      void this.end(id, 'failed', reason);
      return;
    }
    // It may have done a part of it.
    this.#setHolder(id, actuator, { state: 'undoing', failures: 0, reason });
    void this.undo(id, actuator);
  }

  #retry(id: string, actuator: string, failures: number): void {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    const atMs = this.#clock.now().bootMs + waitMs;
    this.#retries.set(`${id} ${actuator}`, { id, actuator, atMs });
  }

  /** @returns true when nothing of it is left */
  #conclude(id: string): boolean {
    const { record } = this.#book.get(id)!;
    if (record.state !== 'undoing' || record.ending === null) return false;
    if (record.holders.some(({ state }) => state !== 'undone')) return false;
    this.#book.change(id, { state: record.ending, reason: record.reason });
    return true;
  }

  #holder(id: string, actuator: string): Holder | undefined {
    return this.#book.get(id)?.record.holders.find((one) => one.actuator === actuator);
  }

  #setHolder(id: string, actuator: string, change: Partial<Holder>): void {
    const { record } = this.#book.get(id)!;
    const holders = record.holders.map((one) =>
      one.actuator === actuator ? { ...one, ...change } : one,
    );
    this.#book.change(id, { holders });
  }
}

const holderOf = (actuator: string): Holder => ({
  actuator,
  state: 'applying',
  failures: 0,
  reason: '',
});

const isWanted = (record: ActionRecord | undefined): boolean =>
  record?.state === 'applying' || record?.state === 'active';

const titleOf = (kind: Action['proposal']['chosen']['measure']['kind']): string =>
  LADDER.find((row) => row.kind === kind)!.title;

function absent(actuator: string): Outcome {
  const reason = `The actuator ${actuator} is not configured any more: configure it, so that it can be undone.`;
  return { ok: false, reason, retry: true };
}
