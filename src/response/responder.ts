import { setTimeout } from 'node:timers/promises';
import { AUTONOMY_MODES, type AutonomyMode, type Proposal } from '../domain/action.js';
import {
  isLive,
  isOpen,
  type ActionRecord,
  type DeskState,
  type Halt,
  type Vote,
} from '../domain/action_record.js';
import { AllowList, measureText } from '../domain/measure.js';
import { deadlineAfter, elapsedMs, remainingMs } from '../domain/moment.js';
import { isPrefix } from '../domain/prefix.js';
import type { EffectFigures } from '../domain/response_port.js';
import { ThymusError } from '../errors.js';
import type { Json } from '../store/action_journal.js';
import {
  ActionBook,
  actionIdOf,
  asJson,
  MOST_ACTIONS,
  type Action,
  type Books,
} from './action_book.js';
import type { Actuator } from './actuators/actuator.js';
import { Enforcement } from './enforcement.js';
import { Reconciler } from './reconciler.js';
import { Verification } from './verification.js';
import { checkName, hasApproved, votesWith } from './votes.js';

/** Longest TTL that one renewal gives (science 9.1). */
const MOST_TTL_MS = 4 * 3_600_000;
const MS_PER_S = 1000;
const FORGET_MS = 10_000;
const RECONCILE_MS = 300_000;
const PANIC_MS = 5000;
const STOP_TRIES = 100;
const STOP_RETRY_MS = 50;
/** A default that is taken later than so was not there to be seen: nothing is applied by it. */
const LATE_MS = 10_000;
const MOST_ALLOWED = 16_384;
const DOMAIN = /^(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?$/;
const ALWAYS_ALLOWED = 'What it would touch is on the list of what is always allowed.';
const MODE = 'desk/mode';
const HALT = 'desk/halt';
const ALLOW = 'desk/allow';

export interface ResponderOptions extends Books {
  readonly actuators: readonly Actuator[];
  /** Called with each change of an action; must not throw. */
  readonly onChange?: (action: Action) => void;
}

/** What has come with a request beside it: what it was decided by, as JSON, for the decision log. */
export type Inputs = Json;

/**
 * Leads actions through their life: pending, applying, active, and out of the world again. It does
 * nothing that is not in the decision log and the journal before, and undoes everything in time.
 * What people and engines ask for and cannot have is a ThymusError REFUSED or NO_SUCH_ACTION.
 */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #book: ActionBook;
  readonly #enforcement: Enforcement;
  readonly #reconciler: Reconciler;
  readonly #verifications = new Map<string, Verification>();
  #mode: AutonomyMode;
  #allowed: readonly string[];
  #halt: Halt | null;
  #allow: AllowList;
  #nextForgetMs = 0;
  #nextReconcileMs = Infinity;

  constructor(options: ResponderOptions) {
    this.#options = options;
    const { journal, clock, actuators } = options;
    this.#book = new ActionBook(options, (action) => options.onChange?.(action));
    this.#enforcement = new Enforcement({ book: this.#book, clock, actuators });
    this.#reconciler = new Reconciler(this.#book, this.#enforcement);
    const mode = journal.entries.get(MODE);
    this.#mode = AUTONOMY_MODES.find((one) => one === mode) ?? 'recommend';
    this.#halt = (journal.entries.get(HALT) ?? null) as Halt | null;
    this.#allowed = (journal.entries.get(ALLOW) ?? []) as string[];
    this.#allow = new AllowList(this.#allowed);
  }

  /** Takes up what a responder before it has left, and looks at what is really in force. */
  async start(): Promise<void> {
    const live = [...this.#book.all].filter(({ record }) => isLive(record));
    const text = `The responder starts; ${live.length} actions are in force.`;
    this.#book.note({ kind: 'start', text, data: live.map(({ record }) => record.id) });
    this.tick();
    const calls = live.flatMap(({ record }) => this.#enforcement.takeUp(record.id));
    const { bootMs } = this.#options.clock.now();
    this.#nextReconcileMs = bootMs + RECONCILE_MS;
    this.#reconciler.follow();
    await Promise.all([...calls, this.#reconciler.run()]);
    // What is overdue is withdrawn even where nothing can be written; ticks write again.
    await this.#book.commit().catch(() => undefined);
  }

  /** Withdraws what would not let go by itself, and leaves the rest as it is. */
  async stop(): Promise<void> {
    const reason = 'The responder was ended, and not everything here lets go by itself.';
    const leaving: string[] = [];
    for (const { record } of this.#book.all) {
      if (!isLive(record)) continue;
      const stays = record.holders.every(
        ({ actuator }) => this.#enforcement.queues.get(actuator)?.actuator.expiresByItself,
      );
      if (stays && record.state !== 'undoing') continue;
      leaving.push(record.id);
      if (record.state !== 'undoing') void this.#enforcement.end(record.id, 'rolled_back', reason);
    }
    await this.#untilGone(leaving);
    this.#book.note({ kind: 'stop', text: 'The responder ends.' });
    await this.#book.commit();
  }

  /** @returns the action, which may have been there before */
  propose(proposal: Proposal, inputs: Inputs = null): ActionRecord {
    const id = actionIdOf(proposal);
    const before = this.#book.get(id);
    if (before !== undefined) return before.record;
    if (this.#book.size >= MOST_ACTIONS) this.#book.forget(this.#options.clock.now());
    if (this.#book.size >= MOST_ACTIONS) {
      throw refused(`There are ${MOST_ACTIONS} actions already: roll back some.`);
    }
    this.#book.note({
      kind: 'proposal',
      action: id,
      incident: proposal.incident,
      text: proposal.summary,
      data: asJson({ proposal, inputs }),
    });
    const now = this.#options.clock.now();
    this.#book.open(
      {
        id,
        state: 'pending',
        since: now,
        reason: 'It waits for people to agree.',
        opened: now,
        answerBy: deadlineAfter(now, proposal.deadlineSeconds * MS_PER_S),
        began: null,
        expires: null,
        applyBy: null,
        ending: null,
        votes: [],
        approvalsNeeded: Math.max(proposal.approvalsNeeded, 1),
        holders: [],
        evidenceUs: proposal.decidedUs,
      },
      proposal,
    );
    this.#settle(id);
    return this.#book.get(id)!.record;
  }

  /** More time, for evidence that came after the last that was told. */
  renew(proposalId: string, ttlSeconds: number, evidenceUs: number): ActionRecord {
    const { record, proposal } = this.#one(proposalId);
    const { clock } = this.#options;
    if (record.state !== 'active' && record.state !== 'applying') {
      throw refused(`Action ${record.id} is ${record.state} and cannot be renewed.`);
    }
    if (!(evidenceUs > record.evidenceUs)) throw refused('Only new evidence renews an action.');
    const spanMs = Math.min(ttlSeconds * MS_PER_S, MOST_TTL_MS);
    const now = clock.now();
    if (!(spanMs > remainingMs(record.expires!, now))) return record;
    this.#book.note({
      kind: 'renewal',
      action: record.id,
      incident: proposal.incident,
      text: `New evidence keeps it for ${Math.round(spanMs / MS_PER_S)} s more.`,
      data: { evidenceUs },
    });
    const after = this.#book.change(record.id, { evidenceUs, expires: deadlineAfter(now, spanMs) });
    void this.#enforcement.prolong(record.id);
    return after.record;
  }

  /** Takes an action back that does not help or that harms. */
  report(figures: EffectFigures): ActionRecord {
    const { record, proposal } = this.#one(figures.proposal);
    if (record.state !== 'active') return record;
    const verification = this.#verifications.get(record.id) ?? new Verification();
    this.#verifications.set(record.id, verification);
    const fault = verification.faultIn(figures);
    if (fault === null) return record;
    const { incident } = proposal;
    const data = asJson(figures);
    this.#book.note({ kind: 'health', action: record.id, incident, text: fault, data });
    this.#end(record.id, fault);
    return this.#book.get(record.id)!.record;
  }

  /** What is on the list is let go of at once, and never acted on. */
  allow(entries: readonly string[]): void {
    const wrong = entries.find((entry) => !isPrefix(entry) && !DOMAIN.test(entry));
    if (wrong !== undefined) throw refused(`'${wrong}' is no address, prefix or name.`);
    if (entries.length > MOST_ALLOWED) throw refused(`At most ${MOST_ALLOWED} can be allowed.`);
    if (entries.join() === this.#allowed.join()) return;
    this.#allowed = [...entries];
    this.#allow = new AllowList(entries);
    this.#book.put(ALLOW, [...entries]);
    const text = `${entries.length} entries are always allowed.`;
    this.#book.note({ kind: 'allow', text, data: [...entries] });
    for (const { record, proposal } of this.#book.all) {
      if (!isOpen(record) || record.state === 'undoing') continue;
      if (this.#allow.forbids(proposal.chosen.measure)) this.#drop(record, ALWAYS_ALLOWED);
    }
  }

  /** @param name an id or the beginning of one, or a proposal's id */
  vote(name: string, by: string, says: Vote['says']): ActionRecord {
    const { record, proposal } = this.#one(name);
    checkName(by);
    if (record.state !== 'pending') {
      throw refused(`Action ${record.id} is ${record.state}: nobody is asked about it.`);
    }
    if (says === 'approve') this.#checkMayApprove(record, by);
    const vote = { by, says, atMs: this.#options.clock.now().wallMs };
    const { incident } = proposal;
    const text = `${by} says: ${says}.`;
    this.#book.note({ kind: 'vote', action: record.id, incident, text, by });
    this.#book.change(record.id, { votes: votesWith(record.votes, vote) });
    if (says === 'reject') this.#reject(record.id, `${by} rejected it.`);
    else this.#settle(record.id);
    return this.#book.get(record.id)!.record;
  }

  rollBack(name: string, by: string, why: string): ActionRecord {
    const { record } = this.#one(name);
    checkName(by);
    if (!isOpen(record)) throw refused(`Action ${record.id} is ${record.state} already.`);
    this.#drop(record, `${by} rolled it back${why === '' ? '' : `: ${why}`}.`);
    return this.#book.get(record.id)!.record;
  }

  /**
   * Withdraws everything in the name of thymus, and applies nothing until it is lifted.
   * @returns one sentence for each thing that could not be withdrawn yet, or not be written down
   */
  async panic(by: string): Promise<readonly string[]> {
    checkName(by);
    this.#setHalt({ by, atMs: this.#options.clock.now().wallMs });
    this.#book.note({ kind: 'panic', by, text: `${by} called everything off.` });
    const reason = `${by} called everything off.`;
    for (const { record } of this.#book.all) if (isOpen(record)) this.#drop(record, reason);
    const queues = [...this.#enforcement.queues.values()];
    const withdrawn = Promise.all(
      queues.map(async (queue) => {
        const outcome = await queue.ask((actuator) => actuator.panic());
        if (outcome === null) return `${queue.actuator.name} does not answer.`;
        return outcome.ok ? null : outcome.reason;
      }),
    );
    const results = await Promise.race([withdrawn, timeout(PANIC_MS)]);
    const reasons = results ?? ['Some actuators do not answer; it goes on trying.'];
    return [...reasons, await this.#troubleOfHalt()].filter((reason) => reason !== null);
  }

  lift(by: string): void {
    checkName(by);
    if (this.#halt === null) throw refused('Nothing is called off.');
    this.#setHalt(null);
    this.#book.note({ kind: 'lift', by, text: `${by} lets actions be applied again.` });
  }

  setMode(mode: AutonomyMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#book.put(MODE, mode);
    this.#book.note({ kind: 'mode', text: `The mode is ${mode}.` });
  }

  noteVerdict(incident: string, text: string, inputs: Inputs): void {
    this.#book.note({ kind: 'verdict', incident, text, data: inputs });
  }

  /** Does what has become due; to be called at least every 100 ms. */
  tick(): void {
    const now = this.#options.clock.now();
    for (const { record, proposal } of this.#book.all) {
      const { state, answerBy, expires } = record;
      if (state === 'pending' && answerBy !== null && remainingMs(answerBy, now) === 0) {
        const lateMs = elapsedMs(record.opened, now) - answerBy.spanMs;
        this.#takeDefault(record.id, lateMs > LATE_MS ? 'reject' : proposal.onDeadline);
      } else if (
        (state === 'active' || state === 'applying') &&
        expires !== null &&
        remainingMs(expires, now) === 0
      ) {
        const text = `Its time is over after ${Math.round(expires.spanMs / MS_PER_S)} s.`;
        void this.#enforcement.end(record.id, 'expired', text);
      }
    }
    this.#enforcement.tick(now);
    this.#book.tick();
    if (now.bootMs >= this.#nextForgetMs) {
      this.#nextForgetMs = now.bootMs + FORGET_MS;
      this.#book.forget(now);
      for (const id of this.#verifications.keys()) {
        if (this.#book.get(id)?.record.state !== 'active') this.#verifications.delete(id);
      }
    }
    if (now.bootMs >= this.#nextReconcileMs) {
      this.#nextReconcileMs = now.bootMs + RECONCILE_MS;
      void this.#reconciler.run();
    }
  }

  /** Settles when all that was said before is on disk. */
  commit(): Promise<void> {
    return this.#book.commit();
  }

  get actions(): IterableIterator<Action> {
    return this.#book.all;
  }

  get desk(): DeskState {
    return {
      mode: this.#mode,
      halt: this.#halt,
      ledger: this.#book.ledger(),
      allow: this.#allowed,
      actuators: this.#options.actuators.map(({ name }) => name),
      differences: [this.#book.trouble ?? [], this.#reconciler.differences].flat(),
    };
  }

  /** True while there is something to watch over. */
  get isBusy(): boolean {
    for (const { record } of this.#book.all) if (isOpen(record)) return true;
    return false;
  }

  async #troubleOfHalt(): Promise<string | null> {
    try {
      await this.#book.commit();
      return null;
    } catch (error) {
      return `A responder that is started anew does not know of it: ${(error as Error).message}`;
    }
  }

  /** What fails to be withdrawn is tried again. */
  async #untilGone(ids: readonly string[]): Promise<void> {
    const isLeft = (id: string): boolean => isLive(this.#book.get(id)!.record);
    for (let tries = 0; tries < STOP_TRIES && ids.some(isLeft); tries++) {
      await setTimeout(STOP_RETRY_MS);
      this.#enforcement.tick(this.#options.clock.now());
    }
  }

  /** Goes on where a pending action can. */
  #settle(id: string): void {
    const { record, proposal } = this.#book.get(id)!;
    const approvals = record.votes.filter(({ says }) => says === 'approve');
    if (this.#allow.forbids(proposal.chosen.measure)) this.#reject(id, ALWAYS_ALLOWED);
    else if (this.#halt !== null) this.#reject(id, `${this.#halt.by} called everything off.`);
    else if (this.#mode === 'observe') this.#reject(id, 'The mode is observe: nothing is done.');
    else if (proposal.unattended && this.#mode !== 'recommend') {
      this.#stopAsking(proposal);
      void this.#enforcement.begin(id, 'Every gate is passed, so nobody had to be asked.');
    } else if (approvals.length >= record.approvalsNeeded) {
      const names = approvals.map(({ by }) => by).join(' and ');
      void this.#enforcement.begin(id, `${names} approved it.`);
    }
  }

  /** People who are asked for the same need not answer any more. */
  #stopAsking({ incident, chosen }: Proposal): void {
    const measure = measureText(chosen.measure);
    for (const { record, proposal } of this.#book.all) {
      if (record.state !== 'pending' || proposal.unattended) continue;
      if (proposal.incident !== incident || measureText(proposal.chosen.measure) !== measure)
        continue;
      const reason = 'Every gate is passed by now, so that nobody has to be asked.';
      this.#book.change(record.id, { state: 'expired', reason });
    }
  }

  #takeDefault(id: string, answer: Proposal['onDeadline']): void {
    if (answer === 'reject') this.#reject(id, 'Nobody answered in time: it is rejected.');
    else if (this.#halt !== null || this.#mode === 'observe') this.#settle(id);
    else void this.#enforcement.begin(id, 'Nobody answered in time: it is applied, as was said.');
  }

  #drop(record: ActionRecord, reason: string): void {
    if (record.state === 'pending') this.#reject(record.id, reason);
    else if (record.state !== 'undoing') this.#end(record.id, reason);
  }

  #end(id: string, reason: string): void {
    void this.#enforcement.end(id, 'rolled_back', reason);
  }

  #reject(id: string, reason: string): void {
    this.#book.change(id, { state: 'rejected', reason });
  }

  #setHalt(halt: Halt | null): void {
    this.#halt = halt;
    this.#book.put(HALT, halt === null ? null : asJson(halt));
  }

  #checkMayApprove({ votes }: ActionRecord, by: string): void {
    if (this.#halt !== null) {
      throw refused(`${this.#halt.by} called everything off: 'thymus panic --over' lifts it.`);
    }
    if (hasApproved(votes, by))
      throw refused(`${by} has approved it before: somebody else has to.`);
  }

  #one(name: string): Action {
    const found = this.#book.find(name);
    if (found.length === 1) return found[0]!;
    const what = found.length === 0 ? 'No action has' : 'Several actions have';
    const message = `${what} the number '${name}': see 'thymus actions --all'.`;
    throw new ThymusError('NO_SUCH_ACTION', message);
  }
}

const refused = (message: string): ThymusError => new ThymusError('REFUSED', message);

/** It keeps no process alive. */
function timeout(ms: number): Promise<null> {
  return setTimeout(ms, null, { ref: false });
}
