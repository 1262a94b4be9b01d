import { createHash } from 'node:crypto';
import type { Proposal } from '../domain/action.js';
import { isLive, isOpen, type ActionRecord } from '../domain/action_record.js';
import type { HourLedger } from '../domain/decision.js';
import { addressesOf } from '../domain/measure.js';
import { elapsedMs, type Moment } from '../domain/moment.js';
import type { ActionJournal, Json } from '../store/action_journal.js';
import type { Decision } from '../store/decision_line.js';
import type { DecisionLog } from '../store/decision_log.js';
import type { Clock } from './clock.js';

/** Finished actions are remembered so long: the ledger of the hour is made of them. */
const REMEMBER_MS = 3_600_000;
/** Open and finished ones. */
export const MOST_ACTIONS = 65_536;
const ID_DIGITS = 12;
const ACTION = 'action/';
const PROPOSAL = 'proposal/';

/** An action with what was proposed. */
export interface Action {
  readonly record: ActionRecord;
  readonly proposal: Proposal;
}

export interface Books {
  readonly journal: ActionJournal;
  readonly log: DecisionLog;
  readonly clock: Clock;
}

/** All actions, in memory and in the journal; each change of state goes into the decision log. */
export class ActionBook {
  readonly #books: Books;
  readonly #actions = new Map<string, Action>();
  readonly #onChange: (action: Action) => void;
  #isCommitSoon = false;
  #trouble: string | null = null;

  /** Goes on with what the journal holds. */
  constructor(books: Books, onChange: (action: Action) => void) {
    this.#books = books;
    this.#onChange = onChange;
    for (const [key, value] of books.journal.entries) {
      if (!key.startsWith(ACTION)) continue;
      const id = key.slice(ACTION.length);
      const proposal = books.journal.entries.get(PROPOSAL + id);
      if (proposal === undefined) continue;
      // The journal's checksum vouches for what this program has written there.
      const action = { record: value, proposal } as unknown as Action;
      this.#actions.set(id, action);
    }
  }

  get all(): IterableIterator<Action> {
    return this.#actions.values();
  }

  get size(): number {
    return this.#actions.size;
  }

  get(id: string): Action | undefined {
    return this.#actions.get(id);
  }

  /** By the number that a person gives: an id or the beginning of one, or a proposal's id. */
  find(name: string): Action[] {
    const exact = this.#actions.get(name);
    if (exact !== undefined) return [exact];
    if (name === '') return [];
    const all = [...this.#actions.values()];
    // A run that is not kept names its proposals as the one before did: the last one is meant.
    const proposed = all.findLast(({ proposal }) => proposal.id === name);
    return proposed === undefined
      ? all.filter(({ record }) => record.id.startsWith(name))
      : [proposed];
  }

  open(record: ActionRecord, proposal: Proposal): Action {
    const action = { record, proposal };
    this.#books.journal.put(PROPOSAL + record.id, asJson(proposal));
    this.#keep(action);
    return action;
  }

  /** Says what has changed; into the decision log where the state is another one. */
  change(id: string, change: Partial<ActionRecord>): Action {
    const before = this.#actions.get(id)!;
    const isNews = change.state !== undefined && change.state !== before.record.state;
    const since = isNews ? { since: this.#books.clock.now() } : {};
    const after = { ...before, record: { ...before.record, ...since, ...change } };
    this.#keep(after);
    if (isNews) this.#logState(after);
    this.#onChange(after);
    return after;
  }

  note(decision: Decision): number {
    this.#commitSoon();
    return this.#books.log.add(decision, this.#books.clock.now().wallMs);
  }

  put(key: string, value: Json): void {
    this.#commitSoon();
    this.#books.journal.put(key, value);
  }

  /**
   * Settles when all is on disk: the log first, so that nothing is done that it does not tell.
   * @throws ThymusError OUTPUT_FAILED
   */
  async commit(): Promise<void> {
    try {
      await this.#books.log.commit();
      await this.#books.journal.commit();
      this.#trouble = null;
    } catch (error) {
      this.#trouble = (error as Error).message;
      throw error;
    }
  }

  /** Why the last commit failed, as one sentence; null: it did not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Tries again to write down what could not be. */
  tick(): void {
    if (this.#trouble !== null) this.#commitSoon();
  }

  /** What actions that were in force within the last hour take from normal traffic, and of whom. */
  ledger(): HourLedger {
    const now = this.#books.clock.now();
    const devices = new Set<string>();
    let fleetShare = 0;
    for (const { record, proposal } of this.#actions.values()) {
      if (record.began === null) continue;
      if (!isLive(record) && elapsedMs(record.since, now) > REMEMBER_MS) continue;
      fleetShare += proposal.chosen.impact.fleetShare;
      for (const address of addressesOf(proposal.chosen.measure)) devices.add(address);
    }
    return { fleetShare, devices: [...devices] };
  }

  /** Forgets what ended long ago, and the oldest of the rest where there is no room. */
  forget(now: Moment): void {
    let tooMany = this.#actions.size - MOST_ACTIONS;
    for (const { record } of this.#actions.values()) {
      if (isOpen(record)) continue;
      if (tooMany <= 0 && elapsedMs(record.since, now) <= REMEMBER_MS) continue;
      tooMany--;
      this.#actions.delete(record.id);
      this.#books.journal.put(ACTION + record.id, null);
      this.#books.journal.put(PROPOSAL + record.id, null);
    }
  }

  /** What nobody waits for gets to the disk as well. */
  #commitSoon(): void {
    if (this.#isCommitSoon) return;
    this.#isCommitSoon = true;
    setImmediate(() => {
      this.#isCommitSoon = false;
      this.commit().catch(() => undefined);
    });
  }

  #keep(action: Action): void {
    this.#commitSoon();
    this.#actions.set(action.record.id, action);
    this.#books.journal.put(ACTION + action.record.id, asJson(action.record));
  }

  #logState({ record, proposal }: Action): void {
    const holders = record.holders.map(({ actuator, state, reason }) => ({
      actuator,
      state,
      reason,
    }));
    this.note({
      kind: 'state',
      action: record.id,
      incident: proposal.incident,
      text: record.reason,
      data: asJson({
        state: record.state,
        measure: proposal.chosen.measure,
        expires: record.expires,
        holders,
      }),
    });
  }
}

/** The same for the same proposal, so that one that is said twice is one action. */
export function actionIdOf(proposal: Proposal): string {
  const name = `${proposal.id}\n${proposal.decidedUs}`;
  return createHash('sha256').update(name).digest('hex').slice(0, ID_DIGITS);
}

/** Domain types are plain values. */
export const asJson = (value: object): Json => value as unknown as Json;
