import { formatAddress } from '../batch/address.js';
import { FlowFlags, FlowRowOffset, type FlowRowView } from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import { lnOutcomeRatio } from '../models/bernoulli.js';
import { contactGroup } from '../models/contact_pool.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { RecencyMap } from '../models/recency_map.js';
import { Contact, contactOutcome, informationRequest, isOddProbe } from './contact.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D4, address and port scans. ATT&CK T1046, T1018.
 *
 * Method: threshold random walk (Jung, Paxson, Berger, Balakrishnan 2004). Someone who knows where
 * services are is answered most of the time, someone who searches is not. Each *first* contact with
 * a (destination, port) is a bet: it gains ln((1 - theta1) / (1 - theta0)) when it fails and loses
 * ln(theta0 / theta1) when it succeeds; retries of a dead server are one contact, and silence to a
 * datagram is none. theta0 comes from what the group did before, so the bet is an e-value.
 *
 * Pace: who searches does not wait for answers. A failed contact that began within a millisecond of
 * the one before in its walk is abreast of it. A share of each walk's stake is on a searcher whose
 * contacts are abreast nine times of ten, the rest is on one of whom nothing is known; the shares
 * follow what was seen (fixed share, Herbster and Warmuth 1998). How often failed contacts are
 * abreast while nothing is wrong is learned by the group, so this factor is an e-value, too.
 *
 * Form: probes by FIN, null and Xmas packets, which no TCP begins with, and ICMP requests for a clock,
 * a network or an address mask, each a port of its own, are one failed contact in 100,000 while nothing
 * is wrong (broken devices, very old ones) and one in 100 of a search.
 *
 * A walk is kept per port (over destinations: address scan) and per destination (over ports: port
 * scan). A contact that is the first of its walk is no search yet and is not bet on, which leaves
 * peer-to-peer programs alone, whose every contact has its own port. A walk that has sunk to the
 * benign floor is followed without betting until it has come back to zero: a busy browser neither
 * eats up the wealth that a scan needs nor hides one.
 *
 * Habit: only first contacts count, so an inventory that is taken again each day is no news after the
 * first. That one is told unless the operator has declared the host (setting `scanners`): by what it
 * does, the first scan of an administrator is any scan. A declaration silences this detector alone.
 *
 * Memory: 0.2 kB until the second contact; then 0.1 kB a walk, 128 walks, and 1 to 128 kB of first
 * contacts. Cold start: theta0 = 0.8.
 * Evasion: asking only hosts that are there (new_edge sees each as a first sight); one contact an
 * hour is still one contact, since walks do not fade; many sources that share the work are judged
 * one by one.
 */
export interface ScanOptions {
  /** P(a first contact is answered | scan), 0 to 1. Higher: slower, fewer scans of live networks. */
  readonly theta1: number;
  /** Two contacts that begin within this time are abreast, us. */
  readonly abreastUs: number;
  /** P(a failed contact is abreast of the one before | a search that does not wait), 0 to 1. */
  readonly abreastOfSearch: number;
  /** Share of a walk's stake that is on such a search at first, and what moves back at each bet. */
  readonly abreastShare: number;
  readonly shareMoved: number;
  /** P(a failed contact is a probe of odd form | search), and while nothing is wrong, 0 to 1. */
  readonly stealthOfSearch: number;
  readonly stealth0: number;
  /** Nats at which a walk counts as benign, below 0. */
  readonly benignFloor: number;
  /** First contacts remembered per entity, at most; older ones count as first again. */
  readonly contactsMost: number;
  /** Walks of each kind per entity, at most; the one not used for longest is forgotten. */
  readonly walksMost: number;
  /** Contacts of a walk that are seen before the first bet, at least 1. */
  readonly portsBeforeBet: number;
  readonly addressesBeforeBet: number;
  /** First contacts of one entity that may teach theta0 in one tick. */
  readonly lessonsPerTick: number;
}

export const SCAN_DEFAULTS: ScanOptions = {
  theta1: 0.2,
  abreastUs: 1000,
  abreastOfSearch: 0.9,
  abreastShare: 0.2,
  shareMoved: 0.02,
  stealthOfSearch: 0.01,
  stealth0: 1e-5,
  benignFloor: -3,
  contactsMost: 4096,
  walksMost: 64,
  portsBeforeBet: 2,
  addressesBeforeBet: 1,
  lessonsPerTick: 2,
};

const HORIZONTAL = LANE_INDEX.scan_horizontal;
const VERTICAL = LANE_INDEX.scan_vertical;
const ICMP = 1;
const ICMPV6 = 58;
const UDP = 17;

/** First contacts that have one port, or one destination, in common. */
class Walk {
  /** Nats, never below the benign floor. */
  value = 0;
  isBetOn = true;
  contacts = 0;
  /** When the contact seen last began, microseconds. */
  begunUs = -Infinity;
  /** The share of its stake that is on a search that does not wait. */
  share = 0;
  /** The run that it is in: contacts since it was last no more likely a scan than not. */
  tried = 0;
  failed = 0;
  /** Failed ones that were bet on and abreast. */
  abreast = 0;
  firstUs = 0;
  lastUs = 0;
  /** "port 445", "10.0.0.5". Set when first needed. */
  name = '';

  startRun(): void {
    this.tried = 0;
    this.failed = 0;
    this.abreast = 0;
    this.firstUs = Infinity;
    this.lastUs = 0;
  }

  note(hasFailed: boolean, atUs: number): void {
    this.tried++;
    if (hasFailed) this.failed++;
    // A failure is known later than a success that began after it.
    this.firstUs = Math.min(this.firstUs, atUs);
    this.lastUs = Math.max(this.lastUs, atUs);
  }

  clear(): void {
    this.value = 0;
    this.isBetOn = true;
    this.contacts = 0;
    this.begunUs = -Infinity;
    this.share = 0;
    this.name = '';
    this.startRun();
  }

  save(out: StateWriter): void {
    out.f64(this.value);
    out.flag(this.isBetOn);
    out.f64s([this.contacts, this.begunUs, this.share]);
    out.f64s([this.tried, this.failed, this.abreast, this.firstUs, this.lastUs]);
    out.text(this.name);
  }

  restore(from: StateReader): void {
    this.value = from.f64();
    this.isBetOn = from.flag();
    this.contacts = from.natural();
    this.begunUs = from.time();
    this.share = from.f64();
    this.tried = from.natural();
    this.failed = from.natural();
    this.abreast = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.name = from.text();
  }
}

/** What an entity did once it had two contacts. */
class Walks {
  readonly contacts: KeySet;
  readonly ports: RecencyMap<Walk>;
  readonly hosts: RecencyMap<Walk>;

  constructor(options: ScanOptions) {
    this.contacts = new KeySet(options.contactsMost);
    this.ports = new RecencyMap(options.walksMost, makeWalk, clearWalk);
    this.hosts = new RecencyMap(options.walksMost, makeWalk, clearWalk);
  }

  save(out: StateWriter): void {
    this.contacts.save(out);
    this.ports.save(out, (walk) => walk.save(out));
    this.hosts.save(out, (walk) => walk.save(out));
  }

  restore(from: StateReader): void {
    this.contacts.restore(from);
    this.ports.restore(from, (walk) => walk.restore(from));
    this.hosts.restore(from, (walk) => walk.restore(from));
  }
}

const makeWalk = (): Walk => new Walk();
const clearWalk = (walk: Walk): void => walk.clear();

/**
 * What is known of an entity. The first of all its contacts is the first of both its walks and not
 * bet on, so it is only written down: most entities never have another one.
 */
class ScanState implements EntityState {
  /** Key of the host of the first contact; -1 before there is one. */
  firstHost = -1;
  firstPort = 0;
  firstLnE = 0;
  walks: Walks | null = null;
  /** What the operator has declared; null before it was asked for. */
  isDeclared: boolean | null = null;
  /** When the contact seen last began. */
  begunUs = -Infinity;
  lessonTick = -1;
  lessons = 0;

  recycle(): boolean {
    this.firstHost = -1;
    this.firstPort = 0;
    this.firstLnE = 0;
    this.walks = null;
    this.isDeclared = null;
    this.begunUs = -Infinity;
    this.lessonTick = -1;
    this.lessons = 0;
    return true;
  }

  save(out: StateWriter): void {
    out.f64s([this.firstHost + 1, this.firstPort, this.firstLnE]);
    out.f64s([this.begunUs, this.lessonTick, this.lessons]);
    out.flag(this.walks !== null);
    this.walks?.save(out);
  }

  restore(from: StateReader, options: ScanOptions): void {
    this.firstHost = from.natural() - 1;
    this.firstPort = from.natural();
    this.firstLnE = from.f64();
    this.begunUs = from.time();
    this.lessonTick = from.time(TICK_US);
    this.lessons = from.natural();
    if (!from.flag()) return;
    this.walks = new Walks(options);
    this.walks.restore(from);
  }
}

class ScanDetector implements Detector {
  readonly name = 'scan';
  readonly memoryVersion = 3;
  readonly lanes: readonly LaneId[] = ['scan_horizontal', 'scan_vertical'];
  readonly #slot: number;
  readonly #options: ScanOptions;

  constructor(slot: number, options: ScanOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return;
    const outcome = contactOutcome(row);
    if (outcome === Contact.OPEN) return;
    const state = (entity.slots[this.#slot] ??= new ScanState()) as ScanState;
    if ((state.isDeclared ??= context.mayScan(entity))) return;
    const port = portKey(row);
    const { walks } = state;
    const contact = pairKey(row.respKey, port);
    if (walks === null ? isFirstContact(state, row, port) : !walks.contacts.add(contact)) return;
    const answered = outcome === Contact.ANSWERED;
    const group = contactGroup(row.direction, row.ipVersion);
    const { contacts } = context.population;
    const theta0 = contacts.success(group);
    const abreast0 = contacts.abreast(group);
    const { theta1, stealthOfSearch, stealth0 } = this.#options;
    let lnE = lnOutcomeRatio(answered, theta1, theta0);
    if (!answered) lnE += lnOutcomeRatio(isOddProbe(row), stealthOfSearch, stealth0);
    if (state.firstHost < 0) {
      state.firstHost = row.respKey;
      state.firstPort = port;
      state.firstLnE = lnE;
    } else {
      const { ports, hosts } = walks ?? this.#startWalks(state, contact);
      const at = { lnE, abreast0, row, entity, context };
      this.#step(HORIZONTAL, ports.claim(port), at);
      this.#step(VERTICAL, hosts.claim(row.respKey), at);
    }
    const isAbreast = this.#isAbreast(state.begunUs, row.tsFirstUs);
    state.begunUs = row.tsFirstUs;
    this.#teach(state, { group, answered, isAbreast }, { entity, context });
  }

  describe(entity: Entity, lane: LaneId): string {
    const { ports, hosts } = (entity.slots[this.#slot] as ScanState).walks!;
    const isHorizontal = lane === 'scan_horizontal';
    const walks = [...(isHorizontal ? ports : hosts).values()];
    const strongest = walks.reduce((a, b) => (b.failed > a.failed ? b : a));
    return sentence(strongest, isHorizontal);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as ScanState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new ScanState();
    entity.slots[this.#slot] = state;
    state.restore(from, this.#options);
  }

  /** The second contact: the first, which was only written down, begins the walks. */
  #startWalks(state: ScanState, second: number): Walks {
    const walks = new Walks(this.#options);
    walks.contacts.add(pairKey(state.firstHost, state.firstPort));
    walks.contacts.add(second);
    for (const walk of [walks.ports.claim(state.firstPort), walks.hosts.claim(state.firstHost)]) {
      this.#advance(walk, state.firstLnE, state.begunUs);
    }
    state.walks = walks;
    return walks;
  }

  #step(lane: number, walk: Walk, step: Step): void {
    const { context, row } = step;
    const { portsBeforeBet, addressesBeforeBet } = this.#options;
    const before = lane === HORIZONTAL ? addressesBeforeBet : portsBeforeBet;
    const isBet = walk.isBetOn && walk.contacts >= before;
    const isAbreast = this.#isAbreast(walk.begunUs, row.tsFirstUs);
    this.#advance(walk, step.lnE, row.tsFirstUs);
    if (!isBet) return;
    const lnPace = step.lnE > 0 ? this.#lnPace(walk, isAbreast, step.abreast0) : 0;
    if (context.bet(step.entity, lane, step.lnE + lnPace)) {
      explain(lane, walk, { step, lnPace });
    }
  }

  #isAbreast(beforeUs: number, begunUs: number): boolean {
    return Math.abs(begunUs - beforeUs) <= this.#options.abreastUs;
  }

  /** What the pace of a failed contact is worth: the mean of two bets, by the shares of the walk. */
  #lnPace(walk: Walk, isAbreast: boolean, abreast0: number): number {
    const { abreastOfSearch, abreastShare, shareMoved } = this.#options;
    if (walk.share === 0) walk.share = abreastShare;
    if (isAbreast) walk.abreast++;
    const ratio = Math.exp(lnOutcomeRatio(isAbreast, abreastOfSearch, abreast0));
    const mean = walk.share * ratio + (1 - walk.share);
    const share = (walk.share * ratio) / mean;
    walk.share = (1 - shareMoved) * share + shareMoved * abreastShare;
    return Math.log(mean);
  }

  #advance(walk: Walk, lnE: number, atUs: number): void {
    const { benignFloor } = this.#options;
    walk.contacts++;
    walk.begunUs = atUs;
    if (walk.value <= 0) walk.startRun();
    walk.note(lnE > 0, atUs);
    walk.value = Math.max(benignFloor, walk.value + lnE);
    if (walk.value <= benignFloor) walk.isBetOn = false;
    else if (walk.value >= 0) walk.isBetOn = true;
  }

  #teach(
    state: ScanState,
    contact: { readonly group: number; readonly answered: boolean; readonly isAbreast: boolean },
    where: { readonly entity: Entity; readonly context: DetectorContext },
  ): void {
    if (state.lessonTick !== where.context.tick) {
      state.lessonTick = where.context.tick;
      state.lessons = 0;
    }
    if (state.lessons >= this.#options.lessonsPerTick || !where.context.isClean(where.entity))
      return;
    state.lessons++;
    const { group, answered, isAbreast } = contact;
    where.context.population.contributeContact(group, answered, isAbreast);
  }
}

/** One first contact, in both its walks. */
interface Step {
  /** What its outcome is worth. */
  readonly lnE: number;
  /** P(abreast | failed, nothing is wrong). */
  readonly abreast0: number;
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

function isFirstContact(state: ScanState, row: FlowRowView, port: number): boolean {
  return state.firstHost === row.respKey && state.firstPort === port;
}

export function createScanDetector(slot: number, options: Partial<ScanOptions> = {}): Detector {
  return new ScanDetector(slot, { ...SCAN_DEFAULTS, ...options });
}

function explain(
  lane: number,
  walk: Walk,
  { step, lnPace }: { readonly step: Step; readonly lnPace: number },
): void {
  const { lnE, row, entity, context } = step;
  const destination = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
  const isHorizontal = lane === HORIZONTAL;
  const where = { isHorizontal, group: contactGroup(row.direction, row.ipVersion), context };
  // Pace is worth telling where the walk has become one that does not wait.
  const isPaced = walk.share > 0.5;
  if (walk.name === '') walk.name = isHorizontal ? portName(row) : destination;
  context.explain(entity, lane, {
    other: destination,
    t0Us: walk.firstUs,
    lnE: lnE + lnPace,
    p: pOfLnE(lnE + lnPace),
    reason: sentence(walk, isHorizontal),
    features: isPaced
      ? [failedContacts(walk, lnE, where), abreastContacts(walk, lnPace, where)]
      : [failedContacts(walk, lnE + lnPace, where)],
    flows: [context.flowRef()],
  });
}

interface Where {
  readonly isHorizontal: boolean;
  readonly group: number;
  readonly context: DetectorContext;
}

/** Expected successes of some trials, and what they are rarely above. */
function binomial(trials: number, p: number): { expectedMedian: number; expectedP99: number } {
  const expected = trials * p;
  const p99 = Math.ceil(expected + 2.33 * Math.sqrt(expected * (1 - p)));
  return { expectedMedian: Math.round(expected), expectedP99: Math.min(trials, p99) };
}

function failedContacts(walk: Walk, lnE: number, where: Where): FeatureShare {
  const { contacts } = where.context.population;
  const nRef = Math.round(contacts.references(where.group));
  return {
    feature: where.isHorizontal
      ? `addresses that did not answer on ${walk.name}`
      : `ports of ${walk.name} that did not answer`,
    observed: walk.failed,
    ...binomial(walk.tried, 1 - contacts.success(where.group)),
    scope: nRef > 0 ? 'group' : 'default',
    lnEShare: lnE,
    nRef,
  };
}

function abreastContacts(walk: Walk, lnE: number, where: Where): FeatureShare {
  const { contacts } = where.context.population;
  const nRef = Math.round(contacts.references(where.group));
  return {
    feature: 'of them begun within 1 ms of the one before',
    observed: walk.abreast,
    ...binomial(walk.failed, contacts.abreast(where.group)),
    scope: nRef > 0 ? 'group' : 'default',
    lnEShare: lnE,
    nRef,
  };
}

function sentence(walk: Walk, isHorizontal: boolean): string {
  const what = isHorizontal
    ? `${counted(walk.tried, 'address', 'addresses')} on ${walk.name}`
    : `${counted(walk.tried, 'port')} of ${walk.name}`;
  const span = lasting(walk.lastUs - walk.firstUs);
  return `tried ${what} in ${span}; ${walk.failed} did not answer`;
}

/** Ports of different protocols are different; ICMP has none, but what is asked for. */
function portKey(row: FlowRowView): number {
  const { protocol } = row;
  return protocol * 0x10000 + (isIcmp(protocol) ? informationRequest(row) : row.respPort);
}

const isIcmp = (protocol: number): boolean => protocol === ICMP || protocol === ICMPV6;

function portName(row: FlowRowView): string {
  const asked = informationRequest(row);
  if (asked !== 0) return `ICMP type ${asked}`;
  if (isIcmp(row.protocol)) return 'ping';
  return row.protocol === UDP ? `UDP port ${row.respPort}` : `port ${row.respPort}`;
}
