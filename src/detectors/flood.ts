import { EventType } from '../batch/generated/event_schema.js';
import type { EventRowView } from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { lnCountBet } from '../models/count_bet.js';
import { LN_E_MOST, logAddExp, pOfLnE } from '../models/e_value.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { DelayedMean } from '../models/delayed_mean.js';
import { HANDSHAKE_WINDOWS, HandshakeBalance } from '../models/handshake_balance.js';
import { mixToUint32 } from '../models/key_set.js';
import type { Detector, DetectorContext } from './detector.js';
import { SketchReader, type SketchCounts } from './sketch_reader.js';
import { grouped, lasting } from './words.js';

/**
 * D9, floods, seen from the victim. ATT&CK T1498, T1499.
 *
 * Method: SYN flood, after Wang, Zhang and Shin 2002: requests that were never completed, set against
 * the rate of completed ones, window by window of 100 ms (models/handshake_balance.ts). Each window is a
 * bet (models/count_bet.ts) that loses when handshakes are completed; the lane's recursion adds them
 * up as a CUSUM does. Refused requests do not count: they hold no memory of the victim, and a
 * service that is down is refused by many. Half of the stake is on requests that the victim answered
 * and nobody acknowledged, against what it had of those before: a victim that is down answers none, so
 * they need no allowance for outages, and a flood far below the default is seen by who knows its victim.
 *
 * Volumetric flood: UDP and ICMP towards one victim, by packets and by the number of sources, each
 * against a link-level default or the victim's own past, whichever is higher. TCP that is answered is
 * paced by its receiver, so a backup is no flood however large it is.
 *
 * A segment is judged by what its busiest destinations leave over, so that a flood spread over all
 * its addresses is seen, and one victim's flood is not told twice.
 *
 * Memory: 0.6 kB a victim. Cold start: the defaults below. Evasion: pulses are seen, since a window
 * is 100 ms; a flood below the defaults is not; one source that sends UDP at a rate a download could
 * have is not, unless above the link default.
 */
export interface FloodOptions {
  /** Half-open requests a window that are no surprise: of a host, of the rest of a segment. */
  readonly halfOpenHost: number;
  readonly halfOpenSegment: number;
  /** Windows of a victim's own past that count as much as the default for answered ones. */
  readonly halfOpenWeight: number;
  /** and as a share of completed ones (the drift of Wang, Zhang and Shin). */
  readonly halfOpenPerCompleted: number;
  /** UDP and ICMP packets a window that are no surprise: 20,000 a second. */
  readonly packets: number;
  /** How many UDP packets one ICMP packet counts for. */
  readonly icmpWeight: number;
  /** Sources of UDP and ICMP a window that are no surprise. */
  readonly sources: number;
  /** How far above its own past a victim may be. */
  readonly pastFactor: number;
  /** Windows of pause after which a flood is told as a new one. */
  readonly pauseWindows: number;
}

export const FLOOD_DEFAULTS: FloodOptions = {
  halfOpenHost: 5,
  halfOpenSegment: 50,
  halfOpenWeight: 20,
  halfOpenPerCompleted: 0.35,
  packets: 2000,
  icmpWeight: 10,
  sources: 40,
  pastFactor: 3,
  pauseWindows: 600,
};

const SYN_LANE = LANE_INDEX.syn_flood;
const VOLUME_LANE = LANE_INDEX.volumetric_flood;

/** Of the sketches. */
const WINDOW_US = 100_000;

/** Weight of a window in the slow running means of the victim's past: about five minutes. */
const SLOW = 1 / 3000;

/** Victims with handshakes under way, at most; the one seen longest ago is judged early. */
const WAITING_MOST = 4096;

/** At the end of a run, requests younger than this many windows may still be completed. */
const UNFINISHED_WINDOWS = 2;

/** What is told of a flood: it grows with each window that wins. */
class Told {
  firstWindow = 0;
  lastWindow = -Infinity;
  count = 0;
  sourcesMost = 0;

  add(window: number, amounts: { count: number; sources: number }, pause: number): void {
    if (window - this.lastWindow > pause) {
      this.firstWindow = window;
      this.count = 0;
      this.sourcesMost = 0;
    }
    this.lastWindow = window;
    this.count += amounts.count;
    this.sourcesMost = Math.max(this.sourcesMost, amounts.sources);
  }

  save(out: StateWriter): void {
    out.f64s([this.firstWindow, this.lastWindow, this.count, this.sourcesMost]);
  }

  restore(from: StateReader): void {
    this.firstWindow = from.time(WINDOW_US);
    this.lastWindow = from.time(WINDOW_US);
    this.count = from.f64();
    this.sourcesMost = from.f64();
  }
}

class Victim implements EntityState {
  readonly balance = new HandshakeBalance();
  readonly synTold = new Told();
  readonly volumeTold = new Told();
  windowUs = WINDOW_US;
  sources = 0;
  halfOpenMean = 0;
  /** Half-open requests that it had answered, in windows with requests. */
  readonly answered = new DelayedMean();
  packetsMean = 0;
  sourcesMean = 0;
  isSegment = false;

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.balance.save(out);
    this.synTold.save(out);
    this.volumeTold.save(out);
    out.f64s([this.windowUs, this.sources]);
    out.f64s([this.halfOpenMean, this.packetsMean, this.sourcesMean]);
    this.answered.save(out);
    out.flag(this.isSegment);
  }

  restore(from: StateReader): void {
    this.balance.restore(from, WINDOW_US);
    this.synTold.restore(from);
    this.volumeTold.restore(from);
    this.windowUs = from.f64();
    this.sources = from.f64();
    this.halfOpenMean = from.f64();
    this.packetsMean = from.f64();
    this.sourcesMean = from.f64();
    this.answered.restore(from);
    this.isSegment = from.flag();
  }
}

/** What came of the requests of one window. */
interface HalfOpen {
  readonly halfOpen: number;
  readonly answered: number;
  readonly window: number;
}

class FloodDetector implements Detector {
  readonly name = 'flood';
  readonly memoryVersion = 2;
  readonly lanes: readonly LaneId[] = ['syn_flood', 'volumetric_flood'];
  readonly eventsOfLinks = [EventType.SKETCH];
  readonly #slot: number;
  readonly #options: FloodOptions;
  readonly #reader = new SketchReader();
  /** Number of the last window. */
  #window = 0;
  /** Victims whose handshakes are not settled, in the order in which they were last seen. */
  readonly #waiting = new Map<number, Entity>();

  constructor(slot: number, options: FloodOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    const reader = this.#reader;
    reader.read(context.bytes, context.bodyAt, context.bodyBytes);
    const window = Math.round(event.timeUs / reader.windowUs);
    const { packetsIn } = reader.segment;
    for (let i = 0; i < reader.nTops; i++) {
      const counts = reader.top(i);
      // The counter of one destination is full at some 1,600 sources. Those that are new to the segment
      // and sent no packet to anybody else are its own.
      const own = reader.segment.sources - (packetsIn - counts.packetsIn);
      counts.sources = Math.max(counts.sources, own);
      reader.segment.subtract(counts);
      if (context.owns(counts.key)) this.#seeHost(counts, window, context);
    }
    this.#seeSegment(window, context);
    if (window !== this.#window) this.#settleOthers(window, context);
    this.#window = window;
  }

  onRunEnd(context: DetectorContext): void {
    for (const [key, entity] of this.#waiting) {
      this.#settle(entity, this.#window + HANDSHAKE_WINDOWS - UNFINISHED_WINDOWS, context);
      this.#waitNoLonger(key);
    }
  }

  describe(entity: Entity, lane: LaneId): string {
    const victim = entity.slots[this.#slot] as Victim;
    return lane === 'syn_flood' ? synSentence(victim) : volumeSentence(victim);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as Victim).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    this.#victimOf(entity).restore(from);
  }

  /** The number of the last window, and who waits, in the order in which it was seen. */
  saveShared(out: StateWriter): void {
    out.f64(this.#window);
    out.u32(this.#waiting.size);
    for (const key of this.#waiting.keys()) out.f64(key);
  }

  restoreShared(from: StateReader, find: (key: number) => Entity | undefined): void {
    this.#window = Math.max(this.#window, from.time(WINDOW_US));
    const n = from.count(WAITING_MOST);
    for (let i = 0; i < n; i++) {
      const entity = find(from.natural());
      if (entity === undefined || (entity.slots[this.#slot] ?? null) === null) continue;
      this.#waiting.set(entity.key, entity);
      entity.hold();
    }
  }

  #seeHost(counts: SketchCounts, window: number, context: DetectorContext): void {
    const kind = this.#reader.prefixBits > 0 ? 'device' : 'external';
    const at = counts.addressAt;
    const spec = { key: counts.key, kind, isProven: false, bytes: context.bytes, at } as const;
    this.#see(context.entity(spec), { counts, window }, context);
  }

  #seeSegment(window: number, context: DetectorContext): void {
    const { segment, prefixBits, bytes } = this.#reader;
    const key = segmentKey(bytes, segment.addressAt, prefixBits);
    if (!context.owns(key)) return;
    const known = context.find(key);
    if (known === undefined && segment.synIn + segment.udpPacketsIn + segment.icmpPacketsIn === 0)
      return;
    const at = segment.addressAt;
    const bits = segment.addressAt > 0 && isMapped(bytes, at) ? prefixBits - 96 : prefixBits;
    const spec = { key, kind: 'segment', isProven: true, bytes, at, prefixBits: bits } as const;
    const entity = context.entity(spec);
    this.#victimOf(entity).isSegment = true;
    this.#see(entity, { counts: segment, window }, context);
  }

  #see(
    entity: Entity,
    at: { counts: SketchCounts; window: number },
    context: DetectorContext,
  ): void {
    const { counts, window } = at;
    const victim = this.#victimOf(entity);
    victim.windowUs = this.#reader.windowUs;
    this.#settle(entity, window, context);
    victim.sources = counts.sources;
    victim.balance.add(counts);
    this.#waitNoLonger(entity.key);
    if (victim.balance.isWaiting) this.#wait(entity, context);
    this.#judgeVolume(entity, at, context);
  }

  #wait(entity: Entity, context: DetectorContext): void {
    if (this.#waiting.size >= WAITING_MOST) {
      const [key, oldest] = this.#waiting.entries().next().value!;
      this.#waitNoLonger(key);
      this.#settle(oldest, this.#window + HANDSHAKE_WINDOWS, context);
    }
    this.#waiting.set(entity.key, entity);
    entity.hold();
  }

  #waitNoLonger(key: number): void {
    this.#waiting.get(key)?.release();
    this.#waiting.delete(key);
  }

  /** Victims that this window says nothing about: their second passes all the same. */
  #settleOthers(window: number, context: DetectorContext): void {
    for (const entity of this.#waiting.values()) {
      this.#settle(entity, window, context);
      if (!(entity.slots[this.#slot] as Victim).balance.isWaiting) this.#waitNoLonger(entity.key);
    }
  }

  #settle(entity: Entity, window: number, context: DetectorContext): void {
    const { balance } = entity.slots[this.#slot] as Victim;
    balance.reach(window);
    const { expired, expiredWindows, expiredAnswered } = balance;
    for (let i = 0; i < expired.length; i++) {
      const halfOpen = expired[i]!;
      const answered = expiredAnswered[i]!;
      this.#judgeHalfOpen(entity, { halfOpen, answered, window: expiredWindows[i]! }, context);
    }
  }

  #judgeHalfOpen(entity: Entity, at: HalfOpen, context: DetectorContext): void {
    const { halfOpenHost, halfOpenSegment, halfOpenPerCompleted, pastFactor, pauseWindows } =
      this.#options;
    const victim = entity.slots[this.#slot] as Victim;
    const usual = victim.isSegment ? halfOpenSegment : halfOpenHost;
    const completed = victim.balance.completedMean;
    const mean =
      Math.max(usual, pastFactor * victim.halfOpenMean) + halfOpenPerCompleted * completed;
    // A scanner fills a segment with requests that nobody answers; a flood comes from many sources.
    const count = victim.isSegment ? Math.min(at.halfOpen, victim.sources) : at.halfOpen;
    const byDefault = lnCountBet(count, mean);
    const answeredMean = this.#answeredMean(victim) + halfOpenPerCompleted * completed;
    const byPast = victim.isSegment ? byDefault : lnCountBet(at.answered, answeredMean);
    const lnE = Math.min(LN_E_MOST, logAddExp(byDefault, byPast) - Math.LN2);
    if (lnE > 0) {
      const amounts = { count, sources: victim.sources };
      victim.synTold.add(at.window, amounts, pauseWindows);
    }
    if (context.bet(entity, SYN_LANE, lnE)) {
      const usual = byPast > byDefault ? answeredMean : mean;
      const feature = feature100ms('half-open connection requests', { count, mean: usual, lnE });
      explainFlood(entity, SYN_LANE, { victim, lnE, features: [feature] }, context);
    }
    if (context.isClean(entity)) {
      victim.halfOpenMean += SLOW * (count - victim.halfOpenMean);
      victim.answered.add(at.answered, context.timeUs);
    } else {
      victim.answered.discard();
    }
  }

  /** The default gives way to the victim's own past as that grows. */
  #answeredMean({ answered }: Victim): number {
    const { halfOpenHost, halfOpenWeight, pastFactor } = this.#options;
    return Math.max(1, pastFactor * answered.mean(halfOpenHost / pastFactor, halfOpenWeight));
  }

  #judgeVolume(
    entity: Entity,
    at: { counts: SketchCounts; window: number },
    context: DetectorContext,
  ): void {
    const { counts } = at;
    const datagrams = counts.udpPacketsIn + counts.icmpPacketsIn;
    if (datagrams <= 0) return;
    const options = this.#options;
    const victim = entity.slots[this.#slot] as Victim;
    const load = counts.udpPacketsIn + options.icmpWeight * counts.icmpPacketsIn;
    const sources = Math.round((counts.sources * datagrams) / counts.packetsIn);
    const loadMean = Math.max(options.packets, options.pastFactor * victim.packetsMean);
    const sourcesMean = Math.max(options.sources, options.pastFactor * victim.sourcesMean);
    const byLoad = Math.min(LN_E_MOST, lnCountBet(load, loadMean));
    const bySources = Math.min(LN_E_MOST, lnCountBet(sources, sourcesMean));
    const lnE = logAddExp(byLoad, bySources) - Math.LN2;
    if (lnE > 0) {
      const amounts = { count: datagrams, sources };
      victim.volumeTold.add(at.window, amounts, options.pauseWindows);
    }
    if (context.bet(entity, VOLUME_LANE, lnE)) {
      // An average of two bets: each has the share of its E in the sum.
      const loadShare = lnE * Math.exp(byLoad - logAddExp(byLoad, bySources));
      const features = [
        feature100ms('UDP and ICMP packets', { count: load, mean: loadMean, lnE: loadShare }),
        feature100ms('sources of them', {
          count: sources,
          mean: sourcesMean,
          lnE: lnE - loadShare,
        }),
      ];
      explainFlood(entity, VOLUME_LANE, { victim, lnE, features }, context);
    }
    if (!context.isClean(entity)) return;
    victim.packetsMean += SLOW * (load - victim.packetsMean);
    victim.sourcesMean += SLOW * (sources - victim.sourcesMean);
  }

  #victimOf(entity: Entity): Victim {
    return (entity.slots[this.#slot] ??= new Victim()) as Victim;
  }
}

export function createFloodDetector(slot: number, options: Partial<FloodOptions> = {}): Detector {
  return new FloodDetector(slot, { ...FLOOD_DEFAULTS, ...options });
}

/** A segment has no address of its own; its prefix makes its key. Below 2^32, never an address's. */
function segmentKey(bytes: Uint8Array, at: number, bits: number): number {
  let key = bits + 1;
  for (let i = 0; i < 16; i++) key = mixToUint32(key * 256 + bytes[at + i]!);
  return key;
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** 99th percentile of the burstiness that lnCountBet assumes, in means. */
const P99_IN_MEANS = 6.6;

function feature100ms(
  what: string,
  bet: { readonly count: number; readonly mean: number; readonly lnE: number },
): FeatureShare {
  return {
    feature: `${what} in 100 ms`,
    observed: bet.count,
    expectedMedian: Math.round(bet.mean * 0.45),
    expectedP99: Math.round(bet.mean * P99_IN_MEANS),
    scope: 'default',
    lnEShare: bet.lnE,
    nRef: 0,
  };
}

function explainFlood(
  entity: Entity,
  lane: number,
  bet: { victim: Victim; lnE: number; features: readonly FeatureShare[] },
  context: DetectorContext,
): void {
  const { victim, lnE, features } = bet;
  const isSyn = lane === SYN_LANE;
  const told = isSyn ? victim.synTold : victim.volumeTold;
  context.explain(entity, lane, {
    other: null,
    t0Us: (told.firstWindow - 1) * victim.windowUs,
    t1Us: told.lastWindow * victim.windowUs,
    lnE,
    p: pOfLnE(lnE),
    reason: isSyn ? synSentence(victim) : volumeSentence(victim),
    features,
    flows: [],
  });
}

function synSentence({ synTold, windowUs }: Victim): string {
  const span = lasting((synTold.lastWindow - synTold.firstWindow + 1) * windowUs);
  const sources = sourcesPhrase(synTold.sourcesMost);
  return `got ${grouped(synTold.count)} connection requests in ${span} that were never completed, ${sources}`;
}

function volumeSentence({ volumeTold, windowUs }: Victim): string {
  const span = lasting((volumeTold.lastWindow - volumeTold.firstWindow + 1) * windowUs);
  const sources = sourcesPhrase(volumeTold.sourcesMost);
  return `got ${grouped(volumeTold.count)} UDP and ICMP packets in ${span}, ${sources}`;
}

function sourcesPhrase(n: number): string {
  return n <= 1 ? 'from one source' : `from up to ${grouped(n)} sources at a time`;
}
