import { formatAddress } from '../batch/address.js';
import { EventRowOffset, type EventRowView, FlowRoles } from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';
import type { LaneId } from '../domain/lanes.js';
import { LANE_INDEX } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { OutcomeHistory, Walk, type OutcomeModel } from '../models/outcomes.js';
import { RecencyMap } from '../models/recency_map.js';
import type { DetectorContext } from './detector.js';
import { Login, LoginReader } from './login_reader.js';
import { counted, lasting } from './words.js';

/**
 * The part of D5 that sees how logins came out: password guessing and spraying where a protocol says
 * so in clear. One subject is a source with one protocol, whatever servers it asks, since spraying
 * goes over many; a web server is a subject of its own.
 */
export interface LoginTestOptions {
  /** Outcomes: worked, failed with a new name, failed again soon, failed again later. */
  readonly model: OutcomeModel;
  /** The same for the web, where a refusal is also how a server asks for a password. */
  readonly webModel: OutcomeModel;
  /** A failure within this time of the last two attempts came soon, us. */
  readonly soonUs: number;
  /** A computer that logs in again within this time was refused, us. */
  readonly againUs: number;
  readonly subjectsMost: number;
  readonly usersMost: number;
}

export const LOGIN_TEST_DEFAULTS: LoginTestOptions = {
  model: {
    normal: [0.85, 0.03, 0.08, 0.04],
    normalWeight: 20,
    attack: [0.08, 0.4, 0.48, 0.04],
    learningDelayUs: 1800e6,
  },
  webModel: {
    normal: [0.6, 0.05, 0.31, 0.04],
    normalWeight: 20,
    attack: [0.05, 0.05, 0.86, 0.04],
    learningDelayUs: 1800e6,
  },
  soonUs: 60e6,
  againUs: 5e6,
  subjectsMost: 16,
  usersMost: 256,
};

const LANE_ID: LaneId = 'brute_force';
const LANE = LANE_INDEX[LANE_ID];
const TCP = 6;
const WORKED = 0;
const NEW_NAME = 1;
const SOON = 2;
const LATER = 3;

/** What a source did to log in by one protocol. */
class Subject {
  readonly users: KeySet;
  readonly history: OutcomeHistory;
  readonly walk = new Walk();
  protocol = '';
  server = '';
  attempts = 0;
  failures = 0;
  nUsers = 0;
  firstUs = 0;
  lastUs = -Infinity;
  lastButOneUs = -Infinity;

  constructor({ usersMost, model }: LoginTestOptions) {
    this.users = new KeySet(usersMost);
    this.history = new OutcomeHistory(model.normal.length);
  }

  clear(): void {
    this.users.clear();
    this.history.clear();
    this.walk.clear();
    this.attempts = 0;
    this.failures = 0;
    this.nUsers = 0;
    this.lastUs = -Infinity;
    this.lastButOneUs = -Infinity;
  }

  save(out: StateWriter): void {
    this.users.save(out);
    this.history.save(out);
    this.walk.save(out);
    out.text(this.protocol);
    out.text(this.server);
    out.f64s([this.attempts, this.failures, this.nUsers]);
    out.f64s([this.firstUs, this.lastUs, this.lastButOneUs]);
  }

  restore(from: StateReader): void {
    this.users.restore(from);
    this.history.restore(from);
    this.walk.restore(from);
    this.protocol = from.text();
    this.server = from.text();
    this.attempts = from.natural();
    this.failures = from.natural();
    this.nUsers = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.lastButOneUs = from.time();
  }
}

/** The subjects of one source. */
export class Logins {
  readonly subjects: RecencyMap<Subject>;

  constructor(options: LoginTestOptions) {
    const make = (): Subject => new Subject(options);
    this.subjects = new RecencyMap(options.subjectsMost, make, (subject) => subject.clear());
  }

  /** The one that failed most often. */
  get strongest(): Subject | null {
    const subjects = [...this.subjects.values()];
    return subjects.reduce<Subject | null>(
      (a, b) => (a === null || b.failures > a.failures ? b : a),
      null,
    );
  }

  save(out: StateWriter): void {
    this.subjects.save(out, (subject) => subject.save(out));
  }

  restore(from: StateReader): void {
    this.subjects.restore(from, (subject) => subject.restore(from));
  }
}

/** Where a detector keeps the logins of an entity; null: there are none, and none shall be made. */
export type LoginsOf = (entity: Entity, isNeeded: boolean) => Logins | null;

export class LoginTest {
  readonly #options: LoginTestOptions;
  readonly #login = new LoginReader();

  constructor(options: LoginTestOptions) {
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext, loginsOf: LoginsOf): void {
    const login = this.#login;
    login.read(event, context);
    if (login.outcome === Login.NONE) return;
    const clientKey = login.isClientSender ? event.origKey : event.respKey;
    const { JUDGE_ORIGINATOR, JUDGE_RESPONDER } = FlowRoles;
    if (!(event.roles & (login.isClientSender ? JUDGE_ORIGINATOR : JUDGE_RESPONDER))) return;
    const isWorking = login.outcome === Login.WORKED;
    // A source that never failed is not worth remembering.
    if (isWorking && context.find(clientKey) === undefined) return;
    const entity = login.isClientSender ? context.sender() : context.receiver();
    const logins = loginsOf(entity, !isWorking);
    if (logins === null) return;
    const subject = this.#subjectOf(logins, event);
    const outcome = this.#outcomeOf(subject, event.tsUs);
    const isWeb = login.protocol === 'HTTP';
    const model = isWeb ? this.#options.webModel : this.#options.model;
    const lnE = subject.history.lnE(outcome, model);
    const isBet = subject.walk.isBetOn;
    subject.walk.advance(lnE);
    note(subject, outcome, event.tsUs);
    if (context.isClean(entity)) subject.history.note(outcome, context.timeUs, model);
    if (isBet && context.bet(entity, LANE, lnE)) {
      explain({ subject, model, lnE, flow: this.#flowOf(event, context), entity, context });
    }
  }

  /** Whom a server told over TCP how its login came out has heard the answer. */
  #flowOf(event: EventRowView, context: DetectorContext): FlowRef {
    const isTold = event.protocol === TCP && this.#login.outcome !== Login.TRIED;
    return isTold ? { ...context.flowRef(), isAnswered: true } : context.flowRef();
  }

  #subjectOf(logins: Logins, event: EventRowView): Subject {
    const { protocol, isClientSender } = this.#login;
    const isWeb = protocol === 'HTTP';
    const subject = logins.subjects.claim(
      isWeb ? pairKey(event.respKey, event.dstPort) : event.type,
    );
    if (subject.attempts === 0) subject.firstUs = event.tsUs;
    if (this.#login.outcome === Login.WORKED) return subject;
    const at = isClientSender ? EventRowOffset.dstAddr : EventRowOffset.srcAddr;
    subject.protocol = protocol;
    subject.server = formatAddress(event.u8, event.at + at);
    return subject;
  }

  #outcomeOf(subject: Subject, atUs: number): number {
    const { outcome, user } = this.#login;
    const { soonUs, againUs } = this.#options;
    if (outcome === Login.WORKED) return WORKED;
    // Of what is only tried, an attempt that follows at once says that the one before failed.
    if (outcome === Login.TRIED) return atUs - subject.lastUs <= againUs ? SOON : WORKED;
    if (subject.users.add(user + 1)) return NEW_NAME;
    return atUs - subject.lastButOneUs <= soonUs ? SOON : LATER;
  }
}

function note(subject: Subject, outcome: number, atUs: number): void {
  subject.attempts++;
  if (outcome !== WORKED) subject.failures++;
  if (outcome === NEW_NAME) subject.nUsers++;
  subject.lastButOneUs = subject.lastUs;
  subject.lastUs = atUs;
}

function explain({ subject, model, lnE, flow, entity, context }: Won): void {
  const fails = 1 - subject.history.probability(WORKED, model);
  const expected = subject.attempts * fails;
  const deviation = Math.sqrt(subject.attempts * fails * (1 - fails));
  const nRef = subject.history.references;
  context.explain(entity, LANE, {
    other: subject.server,
    t0Us: subject.firstUs,
    lnE,
    p: pOfLnE(lnE),
    reason: sentenceOfLogins(subject),
    features: [
      {
        feature: `logins by ${subject.protocol} that failed`,
        observed: subject.failures,
        expectedMedian: Math.round(expected),
        expectedP99: Math.min(subject.attempts, Math.ceil(expected + 2.33 * deviation)),
        scope: nRef > 0 ? 'self' : 'default',
        lnEShare: lnE,
        nRef,
      },
    ],
    flows: [flow],
  });
}

interface Won {
  readonly subject: Subject;
  readonly model: OutcomeModel;
  readonly lnE: number;
  readonly flow: FlowRef;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

/** What the source did, after its name. */
export function sentenceOfLogins(subject: Subject): string {
  const { protocol, server, attempts, failures, nUsers } = subject;
  const names = nUsers > 1 ? ` with ${counted(nUsers, 'name')}` : '';
  const span = lasting(subject.lastUs - subject.firstUs);
  return `guessed passwords at ${server} by ${protocol}${names}: ${counted(attempts, 'login')} in ${span}, ${failures} of them refused`;
}
