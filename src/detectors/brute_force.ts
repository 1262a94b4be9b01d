import { formatAddress } from '../batch/address.js';
import { APP_NAMES } from '../batch/generated/names.js';
import {
  type EventRowView,
  FlowEvents,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { betaPredictive, lnOutcomeRatio } from '../models/bernoulli.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { pairKey } from '../models/key_set.js';
import { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { LOGIN_EVENTS } from './login_reader.js';
import { LOGIN_TEST_DEFAULTS, Logins, LoginTest, sentenceOfLogins } from './login_test.js';
import { counted, lasting } from './words.js';

/**
 * D5, password guessing and spraying. ATT&CK T1110.
 *
 * Method: where a protocol says how a login came out (FTP, HTTP, IMAP, Kerberos, LDAP, MySQL,
 * PostgreSQL, POP3, SMB, SQL Server, Telnet, VNC), each login of a source is a bet by its outcome: a
 * failure with a name that the source had not used before is what spraying makes, one soon after two
 * others is what guessing makes, one that comes alone is neither (login_test.ts). A computer that logs
 * in to its domain again and again at once (Netlogon) was refused each time.
 *
 * For encrypted logins (SSH, RDP): Beta-Bernoulli test on failed logins of one source at one service.
 * The outcome is encrypted, its shape is not: the same client program opens every connection with segments of the
 * same sizes, and one that is refused ends within a few kB, soon after the key exchange, where a
 * login that works goes on. A connection is bet on when the same opening came from the same source
 * at least twice in the minute before: a job that logs in once a minute is not, a loop of copies is
 * and loses by its successes. P(failure | normal) is Beta(2, 18) and what this source did at this
 * service more than half an hour ago; P(failure | guessing) = 0.9.
 *
 * Memory: 32 services of 150 B an entity, 16 protocols of 1 to 6 kB one whose logins fail. Cold start: the prior; services by their port until their
 * protocol is recognised. Evasion: one guess an hour; a client that varies its opening; sources that
 * take turns. Services on unusual ports are seen when the recogniser names them.
 */
export interface BruteForceOptions {
  /** P(a connection fails | guessing), 0 to 1. */
  readonly theta1: number;
  /** Beta prior of failures when nothing is wrong. */
  readonly prior: { readonly a: number; readonly b: number };
  /** A refused connection has payload between these, in each direction, bytes. */
  readonly leastBytes: number;
  readonly mostBytes: number;
  /**
   * and at most this much after its first 12 segments, bytes: a server that refuses says little, a
   * client may offer several keys and passwords.
   */
  readonly mostRespBytesAfterOpening: number;
  readonly mostOrigBytesAfterOpening: number;
  /** Connections with the same opening before one is bet on, 1 or 2, and how far they lie back, us. */
  readonly repeatsBeforeBet: number;
  readonly repeatWindowUs: number;
  /** What is learned about a source at a service counts after this time, us. */
  readonly learningDelayUs: number;
  /** Services remembered per entity. */
  readonly servicesMost: number;
}

export const BRUTE_FORCE_DEFAULTS: BruteForceOptions = {
  theta1: 0.9,
  prior: { a: 2, b: 18 },
  leastBytes: 1000,
  mostBytes: 6000,
  mostRespBytesAfterOpening: 512,
  mostOrigBytesAfterOpening: 1536,
  repeatsBeforeBet: 2,
  repeatWindowUs: 60e6,
  learningDelayUs: 1800e6,
  servicesMost: 32,
};

const LANE = LANE_INDEX.brute_force;
const TCP = 6;
const SEGMENTS = 12;
const LOGIN_APPS: ReadonlySet<string> = new Set(['ssh', 'rdp']);
const LOGIN_PORTS: ReadonlyMap<number, string> = new Map([
  [22, 'SSH'],
  [2222, 'SSH'],
  [3389, 'RDP'],
]);

/** Segments of each direction that make an opening: before the first password, all clients alike. */
const ORIG_OPENING = 5;
const RESP_OPENING = 4;

/** Times of the last connections with one opening. */
class Opening {
  lastUs = -Infinity;
  lastButOneUs = -Infinity;

  clear(): void {
    this.lastUs = -Infinity;
    this.lastButOneUs = -Infinity;
  }

  save(out: StateWriter): void {
    out.f64s([this.lastUs, this.lastButOneUs]);
  }

  restore(from: StateReader): void {
    this.lastUs = from.time();
    this.lastButOneUs = from.time();
  }
}

const makeOpening = (): Opening => new Opening();
const clearOpening = (opening: Opening): void => opening.clear();

/** Outcomes of one source at one service. */
class Service {
  readonly openings = new RecencyMap(4, makeOpening, clearOpening);
  name = '';
  connections = 0;
  failures = 0;
  firstUs = 0;
  lastUs = 0;
  /** What counts as history, and what will when it is old enough. */
  settledTrials = 0;
  settledFailures = 0;
  pendingTrials = 0;
  pendingFailures = 0;
  pendingSinceUs = 0;

  clear(): void {
    this.openings.clear();
    this.name = '';
    this.connections = 0;
    this.failures = 0;
    this.firstUs = 0;
    this.lastUs = 0;
    this.settledTrials = 0;
    this.settledFailures = 0;
    this.pendingTrials = 0;
    this.pendingFailures = 0;
    this.pendingSinceUs = 0;
  }

  save(out: StateWriter): void {
    this.openings.save(out, (opening) => opening.save(out));
    out.text(this.name);
    out.f64s([this.connections, this.failures, this.firstUs, this.lastUs]);
    out.f64s([this.settledTrials, this.settledFailures]);
    out.f64s([this.pendingTrials, this.pendingFailures, this.pendingSinceUs]);
  }

  restore(from: StateReader): void {
    this.openings.restore(from, (opening) => opening.restore(from));
    this.name = from.text();
    this.connections = from.natural();
    this.failures = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.settledTrials = from.natural();
    this.settledFailures = from.natural();
    this.pendingTrials = from.natural();
    this.pendingFailures = from.natural();
    this.pendingSinceUs = from.time();
  }
}

const makeService = (): Service => new Service();
const clearService = (service: Service): void => service.clear();

class BruteForceState implements EntityState {
  readonly services: RecencyMap<Service>;
  logins: Logins | null = null;

  constructor(servicesMost: number) {
    this.services = new RecencyMap(servicesMost, makeService, clearService);
  }

  recycle(): boolean {
    return false;
  }
}

class BruteForceDetector implements Detector {
  readonly name = 'brute_force';
  readonly memoryVersion = 2;
  readonly lanes: readonly LaneId[] = ['brute_force'];
  readonly eventsOfEnds = LOGIN_EVENTS;
  readonly #slot: number;
  readonly #options: BruteForceOptions;
  readonly #logins = new LoginTest(LOGIN_TEST_DEFAULTS);

  constructor(slot: number, options: BruteForceOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    this.#logins.onEvent(event, context, this.#loginsOf);
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!(row.event & FlowEvents.END) || row.protocol !== TCP) return;
    const { leastBytes } = this.#options;
    if (row.origPayload < leastBytes || row.respPayload < leastBytes) return;
    if (!isLoginService(row)) return;
    const service = this.#serviceOf(entity, row);
    const isRefused = this.#isRefused(row);
    const isBet = this.#isRepeat(service, row);
    this.#settle(service, row.timeUs);
    const theta0 = this.#failureProbability(service);
    note(service, isRefused, row);
    if (!isBet) return;
    const lnE = lnOutcomeRatio(isRefused, this.#options.theta1, theta0);
    if (context.bet(entity, LANE, lnE)) explain({ service, lnE, theta0, row, entity, context });
  }

  describe(entity: Entity): string {
    const state = entity.slots[this.#slot] as BruteForceState;
    const services = [...state.services.values()];
    const service = services.reduce<Service | null>(
      (a, b) => (a === null || b.failures > a.failures ? b : a),
      null,
    );
    const subject = state.logins?.strongest ?? null;
    if (service === null) return sentenceOfLogins(subject!);
    const isByShape = subject === null || service.failures > subject.failures;
    return isByShape ? sentence(service) : sentenceOfLogins(subject);
  }

  readonly #loginsOf = (entity: Entity, isNeeded: boolean): Logins | null => {
    const known = entity.slots[this.#slot] as BruteForceState | null;
    if (!isNeeded) return known?.logins ?? null;
    return (this.#stateOf(entity).logins ??= new Logins(LOGIN_TEST_DEFAULTS));
  };

  #stateOf(entity: Entity): BruteForceState {
    const { servicesMost } = this.#options;
    return (entity.slots[this.#slot] ??= new BruteForceState(servicesMost)) as BruteForceState;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { services, logins } = entity.slots[this.#slot] as BruteForceState;
    services.save(out, (service) => service.save(out));
    out.flag(logins !== null);
    logins?.save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = this.#stateOf(entity);
    state.services.restore(from, (service) => service.restore(from));
    if (!from.flag()) return;
    state.logins = new Logins(LOGIN_TEST_DEFAULTS);
    state.logins.restore(from);
  }

  /** True when the login seems to have been refused. */
  #isRefused(row: FlowRowView): boolean {
    const options = this.#options;
    if (row.origPayload > options.mostBytes || row.respPayload > options.mostBytes) return false;
    let orig = row.origPayload;
    let resp = row.respPayload;
    for (let i = 0; i < SEGMENTS; i++) {
      const bytes = row.segmentBytes(i);
      if (bytes > 0) orig -= bytes;
      else resp += bytes;
    }
    return orig <= options.mostOrigBytesAfterOpening && resp <= options.mostRespBytesAfterOpening;
  }

  /** True when the same opening came often enough just before; takes note of this one. */
  #isRepeat(service: Service, row: FlowRowView): boolean {
    const opening = service.openings.claim(openingHash(row));
    const since = row.tsFirstUs - this.#options.repeatWindowUs;
    const earliest = this.#options.repeatsBeforeBet > 1 ? opening.lastButOneUs : opening.lastUs;
    opening.lastButOneUs = opening.lastUs;
    opening.lastUs = row.tsFirstUs;
    return earliest >= since;
  }

  #settle(service: Service, nowUs: number): void {
    if (service.pendingTrials === 0) {
      service.pendingSinceUs = nowUs;
      return;
    }
    if (nowUs - service.pendingSinceUs < this.#options.learningDelayUs) return;
    service.settledTrials += service.pendingTrials;
    service.settledFailures += service.pendingFailures;
    service.pendingTrials = 0;
    service.pendingFailures = 0;
    service.pendingSinceUs = nowUs;
  }

  #failureProbability(service: Service): number {
    const { prior, theta1 } = this.#options;
    const learned = betaPredictive(prior, service.settledFailures, service.settledTrials);
    // A source that always fails is known for it; the test then has nothing to say, not the reverse.
    return Math.min(theta1, learned);
  }

  #serviceOf(entity: Entity, row: FlowRowView): Service {
    const service = this.#stateOf(entity).services.claim(pairKey(row.respKey, row.respPort));
    if (service.connections === 0) service.firstUs = row.tsFirstUs;
    return service;
  }
}

export function createBruteForceDetector(
  slot: number,
  options: Partial<BruteForceOptions> = {},
): Detector {
  return new BruteForceDetector(slot, { ...BRUTE_FORCE_DEFAULTS, ...options });
}

function isLoginService(row: FlowRowView): boolean {
  const app = APP_NAMES[row.app] ?? 'unknown';
  return LOGIN_APPS.has(app) || (isUnnamed(app) && LOGIN_PORTS.has(row.respPort));
}

const isUnnamed = (app: string): boolean => app === 'unknown' || app === 'failed';

/** Sizes of the first segments, by direction: which side's greeting came first is chance. */
function openingHash(row: FlowRowView): number {
  const orig = directionHash(row, { sign: 1, most: ORIG_OPENING });
  return pairKey(orig, directionHash(row, { sign: -1, most: RESP_OPENING }));
}

function directionHash(row: FlowRowView, side: { sign: number; most: number }): number {
  let hash = 1;
  let left = side.most;
  for (let i = 0; i < SEGMENTS && left > 0; i++) {
    const bytes = row.segmentBytes(i) * side.sign;
    if (bytes <= 0) continue;
    hash = pairKey(hash, bytes);
    left--;
  }
  return hash;
}

function note(service: Service, failed: boolean, row: FlowRowView): void {
  service.connections++;
  service.pendingTrials++;
  if (failed) {
    service.failures++;
    service.pendingFailures++;
  }
  service.lastUs = row.tsLastUs;
}

function explain(bet: {
  service: Service;
  lnE: number;
  theta0: number;
  row: FlowRowView;
  entity: Entity;
  context: DetectorContext;
}): void {
  const { service, lnE, theta0, row, context } = bet;
  const address = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
  if (service.name === '') {
    service.name = `${address} port ${row.respPort} (${serviceName(row)})`;
  }
  const expected = service.connections * theta0;
  const deviation = Math.sqrt(service.connections * theta0 * (1 - theta0));
  const nRef = service.settledTrials;
  context.explain(bet.entity, LANE, {
    other: address,
    t0Us: service.firstUs,
    lnE,
    p: pOfLnE(lnE),
    reason: sentence(service),
    features: [
      {
        feature: `logins at ${service.name} that failed`,
        observed: service.failures,
        expectedMedian: Math.round(expected),
        expectedP99: Math.min(service.connections, Math.ceil(expected + 2.33 * deviation)),
        scope: nRef > 0 ? 'self' : 'default',
        lnEShare: lnE,
        nRef,
      },
    ],
    flows: [context.flowRef()],
  });
}

function serviceName(row: FlowRowView): string {
  const app = APP_NAMES[row.app] ?? 'unknown';
  return isUnnamed(app) ? (LOGIN_PORTS.get(row.respPort) ?? 'login') : app.toUpperCase();
}

function sentence(service: Service): string {
  const tries = counted(service.connections, 'connection');
  const span = lasting(service.lastUs - service.firstUs);
  return `guessed passwords at ${service.name}: ${tries} in ${span}, ${service.failures} of them failed`;
}
