import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { TICK_US } from '../domain/tick.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { HOURS_PER_WEEK, HoursOfWeek } from '../models/hours_of_week.js';
import { KeySet, mixToUint32, pairKey } from '../models/key_set.js';
import { FEATURE_INDEX, JOINT_FEATURES, NOVELTY_FEATURES } from '../models/novelty_features.js';
import { PartitionQuota } from '../models/partition.js';
import type { Population } from '../models/population.js';
import { SCORE_POOL_INDEX } from '../models/score_pools.js';
import { SelfHistogram } from '../models/self_histogram.js';
import { Contact, contactOutcome } from './contact.js';
import type { Detector, DetectorContext } from './detector.js';
import { FlowDeltas } from './flow_deltas.js';
import { grouped } from './words.js';

/**
 * D1, novel behaviour: a device does in a minute what neither it nor its peers do. ATT&CK: any.
 *
 * Method: the features of each minute in which a device was active (models/novelty_features.ts) are
 * judged when it is active again. One by one: p among the device's own minutes and p among those of
 * all devices, mixed as exp(lambda ln p_own + (1 - lambda) ln p_group), lambda = n / (n + 20) for n
 * own minutes; the mixture is ranked once more among those of all devices, so that it is a p again.
 * Jointly: twelve features, each taken relative to the spread of the network, as one point of a
 * robust random cut forest (models/random_cut_forest.ts), its displacement ranked likewise. The
 * evidence is the mean of the forest's E and of the mean E of the features. Ranks are not extrapolated
 * beyond what was seen: devices differ in their tails, and a backup server is nobody's exception. So
 * one minute is worth 4 nats at most, and an incident takes most of an hour. For its cost the forest
 * sees one minute of sixteen, chosen by a hash of device and minute.
 *
 * Features of the catalogue that are absent: fan-in, half-open connections and long-flow seconds
 * (records come at most once a minute), names and fingerprints (other lanes judge them), bytes to
 * young destinations (exfiltration). The peer group is the network. Learning is at once, from minutes
 * in good standing, at one speed.
 *
 * Memory: 1 kB of histograms and 0.4 kB of hours an entity, 100 kB a feature and 2 MB of forest a
 * shard. Cold start: peers, as soon as 20 minutes were seen. Evasion: staying inside of every margin,
 * which the forest answers; slow drift.
 */
export interface NoveltyOptions {
  /** Own minutes that count as much as all those of the network. */
  readonly ownWeight: number;
  /** Distinct destinations counted in a minute, at most. */
  readonly distinctMost: number;
  /** Flows that go on, remembered per entity. */
  readonly flowsMost: number;
  /** Points that the forest must have seen before it is asked. */
  readonly forestLeast: number;
}

export const NOVELTY_DEFAULTS: NoveltyOptions = {
  ownWeight: 20,
  distinctMost: 256,
  flowsMost: 64,
  forestLeast: 64,
};

const LANE = LANE_INDEX.novelty;
const FOREST_POOL = SCORE_POOL_INDEX.forest;
const FEATURES = NOVELTY_FEATURES.length;
const VALUE_POOLS = NOVELTY_FEATURES.map(({ id }) => SCORE_POOL_INDEX[`value_${id}`]);
const NOVEL_POOLS = NOVELTY_FEATURES.map(({ id }) => SCORE_POOL_INDEX[`novel_${id}`]);

/** Features that histograms of a device hold: those that are not another one turned round. */
const OWN_FEATURES = NOVELTY_FEATURES.filter((row) => !('lowOf' in row)).length;
/** Of a value: ln(1 + x) of 10^11 is 25.3. */
const BIN_WIDTH = 0.4;

const TICKS_PER_MINUTE = 12;
const MINUTE_US = TICKS_PER_MINUTE * TICK_US;
const HOUR_US = 3600e6;
const WEEK_US = HOURS_PER_WEEK * HOUR_US;

/** Bytes that count as nothing in a ratio of directions. */
const RATIO_FLOOR = 500;

/** One of this many minutes is shown to the forest. */
const FOREST_LOTS = 16;

/** A joint feature is this many spreads from the middle, at most. */
const SPREADS_MOST = 8;

/** Entities whose minute is judged in one tick, at most; others are left out. */
const ENTITIES_PER_TICK_MOST = 16_384;

/** Features named in a piece of evidence; the rest are summed up. */
const NAMED_MOST = 3;

const ICMP = 1;
const ICMPV6 = 58;
const ADMIN_PORTS: ReadonlySet<number> = new Set([
  22, 23, 88, 135, 139, 161, 389, 445, 1433, 3306, 3389, 5985, 5986,
]);
const ENTROPY_ABSENT = 255;
const ENTROPY_SCALE = 31;

/** What a device does in the current minute. */
class Minute {
  packetsOut = 0;
  bytesOut = 0;
  bytesIn = 0;
  bytesOutside = 0;
  bytesFromOutside = 0;
  flows = 0;
  failed = 0;
  icmpBytes = 0;
  retransmissions = 0;
  destinations = 0;
  services = 0;
  adminHosts = 0;
  entropySum = 0;
  entropies = 0;
  readonly #seen: KeySet;

  constructor(distinctMost: number) {
    this.#seen = new KeySet(distinctMost);
  }

  /** True when a key of a kind was not seen in this minute. */
  isFirst(kind: number, key: number): boolean {
    return this.#seen.add(pairKey(kind, key));
  }

  clear(): void {
    this.packetsOut = 0;
    this.bytesOut = 0;
    this.bytesIn = 0;
    this.bytesOutside = 0;
    this.bytesFromOutside = 0;
    this.flows = 0;
    this.failed = 0;
    this.icmpBytes = 0;
    this.retransmissions = 0;
    this.destinations = 0;
    this.services = 0;
    this.adminHosts = 0;
    this.entropySum = 0;
    this.entropies = 0;
    this.#seen.clear();
  }

  save(out: StateWriter): void {
    out.f64s([this.packetsOut, this.bytesOut, this.bytesIn, this.bytesOutside]);
    out.f64s([this.bytesFromOutside, this.flows, this.failed, this.icmpBytes]);
    out.f64s([this.retransmissions, this.destinations, this.services, this.adminHosts]);
    out.f64s([this.entropySum, this.entropies]);
    this.#seen.save(out);
  }

  restore(from: StateReader): void {
    this.packetsOut = from.f64();
    this.bytesOut = from.f64();
    this.bytesIn = from.f64();
    this.bytesOutside = from.f64();
    this.bytesFromOutside = from.f64();
    this.flows = from.f64();
    this.failed = from.f64();
    this.icmpBytes = from.f64();
    this.retransmissions = from.f64();
    this.destinations = from.f64();
    this.services = from.f64();
    this.adminHosts = from.f64();
    this.entropySum = from.f64();
    this.entropies = from.f64();
    this.#seen.restore(from);
  }
}

const NO_VALUES = new Float64Array(0);

class NoveltyState implements EntityState {
  readonly minute: Minute;
  readonly flows: FlowDeltas;
  readonly own = new SelfHistogram(OWN_FEATURES, BIN_WIDTH);
  /** Weeks in which the device was active in each hour of the week, and the last hour counted. */
  readonly #weeks = new HoursOfWeek();
  #lastHour = NaN;
  /** NaN before the first record. */
  firstUs = NaN;
  minuteNumber = NaN;
  /** The features of the minute that waits to be judged; borrowed as long as it does. */
  values: Float64Array = NO_VALUES;
  valuesMinute = NaN;
  isWaiting = false;
  /** What was said last. */
  headline = '';

  constructor(options: NoveltyOptions) {
    this.minute = new Minute(options.distinctMost);
    this.flows = new FlowDeltas(options.flowsMost);
  }

  recycle(): boolean {
    return false;
  }

  /** Between two ticks no minute waits. */
  save(out: StateWriter): void {
    this.minute.save(out);
    this.flows.save(out);
    this.own.save(out);
    this.#weeks.save(out);
    out.f64s([this.#lastHour, this.firstUs, this.minuteNumber]);
    out.text(this.headline);
  }

  restore(from: StateReader): void {
    this.minute.restore(from);
    this.flows.restore(from);
    this.own.restore(from);
    this.#weeks.restore(from);
    this.#lastHour = from.time(HOUR_US);
    this.firstUs = from.time();
    this.minuteNumber = from.time(MINUTE_US);
    this.headline = from.text();
  }

  /** Surprise of being active in an hour of the week, nats; 0 before a week is over. */
  surpriseOfHour(timeUs: number): number {
    const hour = Math.floor(timeUs / HOUR_US);
    const slot = hour % HOURS_PER_WEEK;
    const weeks = Math.floor((timeUs - this.firstUs) / WEEK_US);
    const active = Math.min(weeks, this.#weeks.count(slot));
    if (hour !== this.#lastHour) this.#weeks.add(slot);
    this.#lastHour = hour;
    return weeks === 0 ? 0 : -Math.log((active + 0.5) / (weeks + 1));
  }
}

class NoveltyDetector implements Detector {
  readonly name = 'novelty';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['novelty'];
  readonly #slot: number;
  readonly #options: NoveltyOptions;
  readonly #quota = new PartitionQuota(ENTITIES_PER_TICK_MOST);
  #pending: Entity[] = [];
  /** Rows of features that no minute has borrowed. */
  readonly #spare: Float64Array[] = [];
  readonly #point = new Float32Array(JOINT_FEATURES.length);
  /** E of each feature of the minute that is judged, and its mixed surprise. */
  readonly #e = new Float64Array(FEATURES);
  readonly #novelty = new Float64Array(FEATURES);

  constructor(slot: number, options: NoveltyOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    // Who has not shown to exist gets no memory: made-up sources come by the thousand.
    if (!entity.isRegular || !(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return;
    const state = this.#stateOf(entity);
    const number = Math.floor(context.tick / TICKS_PER_MINUTE);
    if (number !== state.minuteNumber) this.#turn(state, number, { entity, context });
    count(state.minute, row);
    if (row.event & (FlowEvents.UPDATE | FlowEvents.END)) measure(state, row);
  }

  onTickEnd(context: DetectorContext): void {
    for (let i = 0; i < this.#pending.length; i++) {
      const entity = this.#pending[i]!;
      const state = entity.slots[this.#slot] as NoveltyState;
      state.isWaiting = false;
      this.#judge(state, { entity, context });
      this.#spare.push(state.values);
      state.values = NO_VALUES;
      entity.release();
    }
    this.#pending = [];
    this.#quota.restart();
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as NoveltyState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as NoveltyState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    this.#stateOf(entity).restore(from);
  }

  #stateOf(entity: Entity): NoveltyState {
    return (entity.slots[this.#slot] ??= new NoveltyState(this.#options)) as NoveltyState;
  }

  /** A new minute has begun: what was gathered over the one before waits for the end of the tick. */
  #turn(state: NoveltyState, number: number, { entity, context }: Judged): void {
    if (Number.isNaN(state.firstUs)) state.firstUs = context.timeUs;
    const isFirst = Number.isNaN(state.minuteNumber);
    const isJudged = !isFirst && !state.isWaiting && this.#quota.take(entity.key);
    if (isJudged) {
      state.values = this.#spare.pop() ?? new Float64Array(FEATURES);
      featuresOf(state);
      state.values[FEATURE_INDEX.hour] = state.surpriseOfHour(context.timeUs);
      state.valuesMinute = state.minuteNumber;
      state.isWaiting = true;
      entity.hold();
      this.#pending.push(entity);
    }
    state.minuteNumber = number;
    state.minute.clear();
  }

  #judge(state: NoveltyState, { entity, context }: Judged): void {
    const { population } = context;
    const isClean = context.isClean(entity);
    let sum = 0;
    for (let i = 0; i < FEATURES; i++) {
      const novelty = this.#noveltyOf(i, state, population);
      this.#novelty[i] = novelty;
      this.#e[i] = Math.exp(population.scores.lnERank(NOVEL_POOLS[i]!, novelty));
      sum += this.#e[i]!;
    }
    const lot = mixToUint32(entity.key + state.valuesMinute);
    const eForest = lot % FOREST_LOTS === 0 ? this.#askForest(state, lot, { entity, context }) : 1;
    const lnE = Math.log((sum / FEATURES + eForest) / 2);
    if (context.bet(entity, LANE, lnE)) this.#explain(state, { lnE, eForest, entity, context });
    if (isClean) this.#learn(state, entity, population);
  }

  /** How surprising a feature is to the device and its peers, mixed by what the device has shown. */
  #noveltyOf(index: number, state: NoveltyState, population: Population): number {
    const value = state.values[index]!;
    const row = NOVELTY_FEATURES[index]!;
    const isLow = 'lowOf' in row;
    const own = isLow ? state.own.p(row.lowOf, -value, true) : state.own.p(index, value, false);
    const lambda = state.own.size / (state.own.size + this.#options.ownWeight);
    const group = population.scores.rank(VALUE_POOLS[index]!, value);
    return -lambda * Math.log(own) - (1 - lambda) * Math.log(group);
  }

  #askForest(state: NoveltyState, seed: number, { entity, context }: Judged): number {
    const { population } = context;
    const { forest, scores } = population;
    for (let i = 0; i < JOINT_FEATURES.length; i++) {
      const index = JOINT_FEATURES[i]!;
      const pool = VALUE_POOLS[index]!;
      if (scores.size(pool) === 0) return 1;
      const spread = scores.quantile(pool, 0.9) - scores.quantile(pool, 0.1) + 0.5;
      const distance = (state.values[index]! - scores.quantile(pool, 0.5)) / spread;
      this.#point[i] = Math.max(-SPREADS_MOST, Math.min(SPREADS_MOST, distance));
    }
    const isClean = context.isClean(entity);
    let e = 1;
    if (forest.seen >= this.#options.forestLeast) {
      const displacement = forest.score(this.#point, seed);
      e = Math.exp(scores.lnERank(FOREST_POOL, displacement));
      if (isClean) population.contributeScore(entity.key, FOREST_POOL, displacement);
    }
    if (isClean) population.contributePoint(entity.key, this.#point);
    return e;
  }

  #learn(state: NoveltyState, entity: Entity, population: Population): void {
    for (let i = 0; i < FEATURES; i++) {
      population.contributeScore(entity.key, VALUE_POOLS[i]!, state.values[i]!);
      population.contributeScore(entity.key, NOVEL_POOLS[i]!, this.#novelty[i]!);
    }
    state.own.learn(state.values);
  }

  #explain(
    state: NoveltyState,
    { lnE, eForest, entity, context }: Judged & { lnE: number; eForest: number },
  ): void {
    const { scores } = context.population;
    const total = this.#e.reduce((a, b) => a + b, 0) / FEATURES + eForest;
    const order = Array.from(NOVELTY_FEATURES.keys()).sort((a, b) => this.#e[b]! - this.#e[a]!);
    const named: FeatureShare[] = order.slice(0, NAMED_MOST).map((index) => {
      const pool = VALUE_POOLS[index]!;
      return {
        feature: `${NOVELTY_FEATURES[index]!.title} in a minute`,
        observed: toldOf(index, state.values[index]!),
        expectedMedian: toldOf(index, scores.quantile(pool, 0.5)),
        expectedP99: toldOf(index, scores.quantile(pool, 0.99)),
        scope: 'group',
        lnEShare: (lnE * this.#e[index]!) / FEATURES / total,
        nRef: scores.size(pool),
      };
    });
    const shares = named.reduce((sum, share) => sum + share.lnEShare, 0);
    state.headline = sentence(named[0]!);
    const t0Us = state.valuesMinute * MINUTE_US;
    context.explain(entity, LANE, {
      other: null,
      t0Us,
      t1Us: t0Us + MINUTE_US,
      lnE,
      p: Math.exp(-lnE),
      reason: state.headline,
      features: [
        ...named,
        {
          feature: 'all other features, and how they go together, as E',
          observed: eForest,
          expectedMedian: 1,
          expectedP99: 100,
          scope: 'group',
          lnEShare: lnE - shares,
          nRef: context.population.forest.seen,
        },
      ],
      flows: [],
    });
  }
}

interface Judged {
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createNoveltyDetector(
  slot: number,
  options: Partial<NoveltyOptions> = {},
): Detector {
  return new NoveltyDetector(slot, { ...NOVELTY_DEFAULTS, ...options });
}

/** What a record says of contacts; the first record of a flow does. */
function count(minute: Minute, row: FlowRowView): void {
  if (!(row.event & FlowEvents.START)) return;
  minute.flows++;
  if (contactOutcome(row) === Contact.FAILED) minute.failed++;
  if (minute.isFirst(0, row.respKey)) minute.destinations++;
  if (minute.isFirst(1 + row.respPort, row.respKey)) minute.services++;
  if (ADMIN_PORTS.has(row.respPort) && minute.isFirst(0x20000, row.respKey)) minute.adminHosts++;
}

/** What a record says of volume, since the one before of its flow. */
function measure({ minute, flows }: NoveltyState, row: FlowRowView): void {
  const delta = flows.take(row);
  minute.packetsOut += delta.origPackets;
  minute.bytesOut += delta.origBytes;
  minute.bytesIn += delta.respBytes;
  minute.retransmissions += delta.retransmissions;
  if (!(row.roles & FlowRoles.RESPONDER_INTERNAL)) {
    minute.bytesOutside += delta.origBytes;
    minute.bytesFromOutside += delta.respBytes;
  }
  if (row.protocol === ICMP || row.protocol === ICMPV6) minute.icmpBytes += delta.origPayload;
  if (row.origEntropy !== ENTROPY_ABSENT) {
    minute.entropySum += row.origEntropy / ENTROPY_SCALE;
    minute.entropies++;
  }
}

function featuresOf({ minute, values }: NoveltyState): void {
  const { packetsOut, bytesOut } = minute;
  values[FEATURE_INDEX.packets_out] = Math.log1p(packetsOut);
  values[FEATURE_INDEX.bytes_out] = Math.log1p(bytesOut);
  values[FEATURE_INDEX.bytes_in] = Math.log1p(minute.bytesIn);
  values[FEATURE_INDEX.flows] = Math.log1p(minute.flows);
  values[FEATURE_INDEX.destinations] = Math.log1p(minute.destinations);
  values[FEATURE_INDEX.services] = Math.log1p(minute.services);
  values[FEATURE_INDEX.failed] = Math.log1p(minute.failed);
  const ratio = (minute.bytesOutside + RATIO_FLOOR) / (minute.bytesFromOutside + RATIO_FLOOR);
  values[FEATURE_INDEX.out_in] = Math.max(0, Math.log(ratio));
  values[FEATURE_INDEX.packet_size] = Math.log1p(bytesOut / Math.max(1, packetsOut));
  values[FEATURE_INDEX.admin_hosts] = Math.log1p(minute.adminHosts);
  values[FEATURE_INDEX.entropy] = minute.entropySum / Math.max(1, minute.entropies);
  values[FEATURE_INDEX.retransmitted] = minute.retransmissions / Math.max(1, packetsOut);
  values[FEATURE_INDEX.icmp_bytes] = Math.log1p(minute.icmpBytes);
  values[FEATURE_INDEX.packets_low] = -values[FEATURE_INDEX.packets_out]!;
  values[FEATURE_INDEX.bytes_low] = -values[FEATURE_INDEX.bytes_out]!;
}

/** A value as it is told: without logarithm and sign. */
function toldOf(index: number, value: number): number {
  const row = NOVELTY_FEATURES[index]!;
  const plain = 'lowOf' in row ? -value : value;
  return row.isLog ? Math.round(Math.expm1(plain)) : plain;
}

function sentence({ feature, observed, expectedMedian }: FeatureShare): string {
  const told = (x: number): string => (Number.isInteger(x) ? grouped(x) : x.toFixed(2));
  return `behaved unlike itself and its peers: ${feature} ${told(observed)}, usually ${told(expectedMedian)}`;
}
