import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowStates,
} from '../../../src/batch/generated/record_layout.js';
import { LANES, type LaneId } from '../../../src/domain/lanes.js';
import { endOfLearning, shiftFor, type LearnedState } from '../../../src/domain/learned_state.js';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { tickOf } from '../../../src/domain/tick.js';
import { BatchView } from '../../../src/batch/batch_view.js';
import { joinShardStates } from '../../../src/engine/shard_state.js';
import { ShardPipeline, type ShardPipelineOptions } from '../../../src/engine/shard_pipeline.js';
import {
  NO_EXCHANGE,
  type TickDelta,
  type TickExchange,
} from '../../../src/domain/tick_exchange.js';
import { compareAlarms, type Alarm, type Incident } from '../../../src/domain/incident.js';
import { IncidentBook } from '../../../src/fusion/incident_book.js';
import { BatchWriter, type EventSpec, type Fields, type RowSpec } from './batch_writer.js';

/** 2026-01-05 08:00 UTC. */
export const START_US = 1_767_600_000e6;
const ICMP = 1;
const TCP = 6;
const UDP = 17;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

/** A 52-bit number for an address, as the core's keyed hash is one. */
export function keyOf(address: string): number {
  let high = 0x811c9dc5;
  let low = 0x01000193;
  for (const char of address) {
    high = Math.imul(high ^ char.charCodeAt(0), 0x01000193) >>> 0;
    low = Math.imul(low ^ char.charCodeAt(0), 0x85ebca6b) >>> 0;
  }
  return (high & 0xfffff) * 0x100000000 + low;
}

export const isInternal = (address: string): boolean => /^(10\.|192\.168\.)/.test(address);

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Times are seconds after START_US. */
interface FlowAt {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly fromPort?: number;
}

/** An event goes to the shards of its owners, one without any to all. */
type Item = { row: RowSpec } | { event: EventSpec; owners?: readonly number[] };

/** Records as the core would emit them for the traffic that its verbs describe. */
export class Traffic {
  readonly #items: { timeUs: number; item: Item }[] = [];

  /** A TCP connection that works, and ends after `lasts` seconds. */
  connect(
    flow: FlowAt,
    size: {
      up?: number;
      down?: number;
      lasts?: number;
      segments?: readonly number[];
      fields?: Partial<RowSpec>;
    } = {},
  ): this {
    const { up = 2000, down = 20_000, lasts = 0.5, segments = [], fields = {} } = size;
    const common = {
      flowIdLow: this.#items.length,
      ...fields,
      ...tcp(flow),
      state: FlowStates.SF,
      flags: FlowFlags.BOTH_DIRECTIONS,
      origTcpFlags: SYN | ACK,
      respTcpFlags: SYN | ACK,
      origSyns: 1,
      respSynAcks: 1,
      origPackets: 10,
      respPackets: 12,
      segmentBytes: segments,
    };
    this.#row(flow.at + 0.01, { ...common, event: FlowEvents.START });
    const totals = {
      origPayload: up,
      respPayload: down,
      origBytes: up + 540,
      respBytes: down + 650,
    };
    return this.#row(flow.at + lasts, { ...common, ...totals, event: FlowEvents.END });
  }

  /** A TCP connection with a record a minute, of `perMinute` payload bytes up and down. */
  stream(
    flow: FlowAt,
    minutes: number,
    perMinute: { readonly up: number; readonly down: number } & Partial<RowSpec>,
  ): this {
    const { up, down, ...fields } = perMinute;
    for (let minute = 1; minute <= minutes; minute++) {
      this.#row(flow.at + 60 * minute, {
        ...tcp(flow),
        state: FlowStates.S1,
        flags: FlowFlags.BOTH_DIRECTIONS,
        origTcpFlags: SYN | ACK,
        respTcpFlags: SYN | ACK,
        origSyns: 1,
        respSynAcks: 1,
        origPackets: 10 * minute,
        respPackets: 10 * minute,
        origPayload: up * minute,
        respPayload: down * minute,
        event: minute < minutes ? FlowEvents.UPDATE : FlowEvents.END,
        flowIdHigh: 1 + Math.round(flow.at),
        flowIdLow: flow.fromPort ?? 0,
        ...fields,
      });
    }
    return this;
  }

  /** A SYN that nobody answers: judged three seconds later. */
  unanswered(flow: FlowAt): this {
    const flags = FlowFlags.ATTEMPT_FAILED;
    const row = {
      ...tcp(flow),
      state: FlowStates.S0,
      flags,
      origTcpFlags: SYN,
      origSyns: 1,
      origPackets: 1,
    };
    return this.#row(flow.at + 3, { ...row, event: FlowEvents.START });
  }

  /** A SYN that is answered by a RST. */
  refused(flow: FlowAt): this {
    const row = { ...tcp(flow), state: FlowStates.REJ, flags: FlowFlags.BOTH_DIRECTIONS };
    const counts = {
      origTcpFlags: SYN,
      respTcpFlags: RST | ACK,
      origPackets: 1,
      respPackets: 1,
      respRsts: 1,
    };
    return this.#row(flow.at + 0.001, {
      ...row,
      ...counts,
      event: FlowEvents.START | FlowEvents.END,
    });
  }

  /** A packet that begins no connection, such as a null or Xmas probe, answered by a RST. */
  probe(flow: FlowAt, origTcpFlags: number): this {
    const row = { ...tcp(flow), state: FlowStates.OTHER, flags: FlowFlags.BOTH_DIRECTIONS };
    const counts = { origTcpFlags, respTcpFlags: RST | ACK, origPackets: 1, respPackets: 1 };
    return this.#row(flow.at + 0.001, {
      ...row,
      ...counts,
      respRsts: 1,
      event: FlowEvents.START | FlowEvents.END,
    });
  }

  /** A UDP request, answered or not. */
  ask(flow: FlowAt, isAnswered = true): this {
    const flags = isAnswered ? FlowFlags.BOTH_DIRECTIONS : 0;
    const counts = {
      origPackets: 1,
      respPackets: isAnswered ? 1 : 0,
      origPayload: 60,
      respPayload: isAnswered ? 200 : 0,
    };
    return this.#row(flow.at + 1, {
      ...ends(flow),
      protocol: UDP,
      flags,
      ...counts,
      event: FlowEvents.START | FlowEvents.END,
    });
  }

  /**
   * An echo flow with a record at the end of each minute.
   * @param minutes of each, sizes of a request and its reply in turn; 0 for a packet that was lost
   */
  pings(
    flow: { readonly at: number; readonly from: string; readonly to: string },
    minutes: readonly (readonly (readonly [request: number, reply: number])[])[],
    flags: number = FlowFlags.BOTH_DIRECTIONS,
  ): this {
    const sizes = minutes[0]!.flatMap(([request, reply]) => [request, -reply]);
    const counts = { origPackets: 0, respPackets: 0, origPayload: 0, respPayload: 0 };
    minutes.forEach((pairs, minute) => {
      for (const [request, reply] of pairs) {
        if (request > 0) counts.origPackets++;
        if (reply > 0) counts.respPackets++;
        counts.origPayload += request;
        counts.respPayload += reply;
      }
      this.#row(flow.at + 60 * (minute + 1), {
        ...ends({ ...flow, port: 7, fromPort: 8 << 8 }),
        ...counts,
        protocol: ICMP,
        flags,
        segmentBytes: sizes.filter((bytes) => bytes !== 0).slice(0, 12),
        event: FlowEvents.UPDATE,
        flowIdHigh: 1 + flow.at,
        flowIdLow: 0,
      });
    });
    return this;
  }

  /** An ICMP request of another kind than echo, answered or not. */
  inquire(
    flow: { readonly at: number; readonly from: string; readonly to: string },
    type: number,
    isAnswered = false,
  ): this {
    return this.#row(flow.at + 30, {
      ...ends({ ...flow, port: 7, fromPort: type << 8 }),
      protocol: ICMP,
      flags: isAnswered ? FlowFlags.BOTH_DIRECTIONS : 0,
      origPackets: 1,
      respPackets: isAnswered ? 1 : 0,
      event: FlowEvents.START | FlowEvents.END,
    });
  }

  /** What a segment received in the 100 ms before `at`. */
  window(at: number, segment: Fields, tops: readonly ({ address: string } & Fields)[]): this {
    const timeUs = START_US + Math.round(at * 10) * 100_000;
    const top = tops.map((counts) => ({ ...counts, key: keyOf(counts.address) }));
    const fields = { prefix: '10.0.0.0', prefix_bits: 104, window_us: 100_000, ...segment, top };
    this.#items.push({
      timeUs,
      item: { event: { kind: 'sketch', timeUs, orderSub: 0xffff0000, fields } },
    });
    return this;
  }

  /** A parser's event about a flow; `from` is its sender, the client unless `isResponse`. */
  say(flow: FlowAt, kind: string, fields: Fields, isResponse = false): this {
    const timeUs = START_US + Math.round(flow.at * 1e6);
    const { origAddr, respAddr, origKey, respKey, origPort, respPort } = ends(flow);
    const client = { srcAddr: origAddr, dstAddr: respAddr, srcPort: origPort!, dstPort: respPort! };
    const server = { srcAddr: respAddr, dstAddr: origAddr, srcPort: respPort!, dstPort: origPort! };
    const keys = isResponse
      ? { origKey: respKey!, respKey: origKey! }
      : { origKey: origKey!, respKey: respKey! };
    const [sender, receiver] = isResponse ? [flow.to, flow.from] : [flow.from, flow.to];
    const roles =
      (isInternal(sender) ? FlowRoles.ORIGINATOR_INTERNAL : 0) |
      (isInternal(receiver) ? FlowRoles.RESPONDER_INTERNAL : 0);
    const event = { kind, timeUs, tsUs: timeUs, roles, protocol: TCP, ...keys, fields };
    const owners = isInternal(flow.to) ? [origKey!, respKey!] : [origKey!];
    this.#items.push({
      timeUs,
      item: { event: { ...event, ...(isResponse ? server : client) }, owners },
    });
    return this;
  }

  /** A DNS question and its answer, 20 ms later. */
  resolve(
    flow: { at: number; from: string; to?: string },
    name: string,
    { rcode = 0, rrtype = 1 }: { rcode?: number; rrtype?: number } = {},
  ): this {
    const ask = { to: '10.0.0.53', port: 53, ...flow };
    const queries = [{ rrname: name, rrtype }];
    this.say(ask, 'dns', { type: 'request', rcode: 0, queries });
    const reply = { ...ask, at: ask.at + 0.02 };
    return this.say(reply, 'dns', { type: 'response', rcode, queries }, true);
  }

  /** A station says by ARP that an address is its own, and asks for another or answers it. */
  claim(at: number, { ip, mac, asks = ip }: { ip: string; mac: string; asks?: string }): this {
    const timeUs = START_US + Math.round(at * 1e6);
    const fields = { opcode: 'reply', src_mac: mac, src_ip: ip, dest_ip: asks };
    const keys = { origKey: keyOf(ip), respKey: keyOf(asks) };
    this.#items.push({
      timeUs,
      item: { event: { kind: 'arp', timeUs, tsUs: timeUs, ...keys, fields } },
    });
    return this;
  }

  /** A DHCP server answers a client, naming the router. */
  lease(
    at: number,
    {
      server,
      router,
      fields = {},
    }: { server: string; router: string; fields?: Readonly<Record<string, string>> },
  ): this {
    const flow = { at, from: server, to: '255.255.255.255', fromPort: 67, port: 68 };
    this.say(flow, 'dhcp', { type: 'reply', dhcp_type: 'ack', routers: [router], ...fields });
    return this.#toAll();
  }

  /** The last item speaks of the whole link. */
  #toAll(): this {
    const last = this.#items.pop()!;
    const { item } = last;
    if ('event' in item) this.#items.push({ ...last, item: { event: item.event } });
    return this;
  }

  /** The records in their total order. */
  records(): readonly Item[] {
    const sorted = this.#items
      .map((entry, i) => ({ ...entry, i }))
      .sort((a, b) => a.timeUs - b.timeUs || a.i - b.i);
    return sorted.map(({ item }, i) => {
      if ('row' in item) return { row: { flowIdLow: i, ...item.row, orderIndex: i } };
      return { ...item, event: { ...item.event, orderIndex: i } };
    });
  }

  #row(at: number, spec: RowSpec): this {
    const timeUs = START_US + Math.round(at * 1e6);
    this.#items.push({ timeUs, item: { row: { ...spec, timeUs, tsLastUs: timeUs } } });
    return this;
  }
}

function ends(flow: FlowAt): RowSpec {
  const direction = isInternal(flow.from)
    ? isInternal(flow.to)
      ? 1
      : 2
    : isInternal(flow.to)
      ? 3
      : 4;
  return {
    origAddr: flow.from,
    respAddr: flow.to,
    origKey: keyOf(flow.from),
    respKey: keyOf(flow.to),
    origPort: flow.fromPort ?? 40_000,
    respPort: flow.port,
    tsFirstUs: START_US + Math.round(flow.at * 1e6),
    ipVersion: 4,
    direction,
    origTtlMin: 64,
    origTtlMax: 64,
  };
}

const tcp = (flow: FlowAt): RowSpec => ({ ...ends(flow), protocol: TCP });

/** One shard's part of some records as a batch. */
export function batchOf(
  records: readonly Item[],
  shard: { shard: number; shards: number },
  watermarkUs: number,
): Uint8Array {
  const writer = new BatchWriter();
  for (const item of records) {
    if ('event' in item) {
      const { owners, event } = item;
      const judged = owners === undefined ? 0 : judgedEnds(event, owners, shard);
      if (owners === undefined || judged !== 0) {
        writer.event({ ...event, roles: (event.roles ?? 0) | judged });
      }
    } else {
      const roles = rolesFor(item.row, shard);
      if (roles !== 0) writer.row({ ...item.row, roles });
    }
  }
  writer.watermarkUs = watermarkUs;
  return writer.finish();
}

/** The ends of an event that a shard judges: those among its owners that are its own. */
function judgedEnds(
  event: EventSpec,
  owners: readonly number[],
  { shard, shards }: { shard: number; shards: number },
): number {
  const isMine = (key: number): boolean => owners.includes(key) && key % shards === shard;
  return (
    (isMine(event.origKey!) ? FlowRoles.JUDGE_ORIGINATOR : 0) |
    (isMine(event.respKey!) ? FlowRoles.JUDGE_RESPONDER : 0)
  );
}

/** Records in pieces of at most `size`, none across a tick. */
function piecesOf(records: readonly Item[], size: number): Item[][] {
  const pieces: Item[][] = [];
  for (const item of records) {
    const last = pieces.at(-1);
    if (last && last.length < size && tickOf(timeOf(last[0]!)) === tickOf(timeOf(item)))
      last.push(item);
    else pieces.push([item]);
  }
  return pieces;
}

const timeOf = (item: Item): number => ('row' in item ? item.row.timeUs! : item.event.timeUs!);

function rolesFor(row: RowSpec, { shard, shards }: { shard: number; shards: number }): number {
  const origInternal = isInternal(row.origAddr);
  const respInternal = isInternal(row.respAddr);
  const judged =
    (row.origKey! % shards === shard ? FlowRoles.JUDGE_ORIGINATOR : 0) |
    (respInternal && row.respKey! % shards === shard ? FlowRoles.JUDGE_RESPONDER : 0);
  if (judged === 0) return 0;
  const internal =
    (origInternal ? FlowRoles.ORIGINATOR_INTERNAL : 0) |
    (respInternal ? FlowRoles.RESPONDER_INTERNAL : 0);
  return judged | internal;
}

/** Runs traffic through one pipeline, to its end. */
export function feed(traffic: Traffic, pipeline: ShardPipeline): void {
  const records = traffic.records();
  const bytes = batchOf(records, { shard: 0, shards: 1 }, timeOf(records.at(-1)!));
  const view = new BatchView(bytes);
  view.open(0, bytes.length);
  pipeline.process(view);
  pipeline.finish();
}

export interface JudgeSetup extends Partial<ShardPipelineOptions> {
  readonly batchSize?: number;
  /** Of the traffic, only what is in these seconds. */
  readonly between?: readonly [from: number, until: number];
  /** What to go on from. */
  readonly model?: LearnedState;
}

export interface Judgement {
  readonly alarms: Alarm[];
  readonly incidents: Incident[];
  readonly pipelines: ShardPipeline[];
  /** What was learned, the incidents included. */
  readonly learned: LearnedState;
}

/** Runs traffic through shards that take turns in one thread; returns all alarms in total order. */
export function judge(traffic: Traffic, setup: JudgeSetup = {}): Judgement {
  const { batchSize = 50, between = [0, Infinity], model, ...options } = setup;
  const shards = options.shards ?? 1;
  const [from, until] = between.map((seconds) => START_US + seconds * 1e6) as [number, number];
  const records = traffic.records().filter((item) => timeOf(item) >= from && timeOf(item) < until);
  const alarms: Alarm[] = [];
  const exchanges = createExchanges(shards);
  const pipelines = exchanges.map(
    (exchange, shard) =>
      new ShardPipeline(
        { ...options, shard, shards, exchange, keepsState: true },
        { alarm: (a) => alarms.push(a) },
      ),
  );
  const book = new IncidentBook();
  if (model !== undefined) {
    const shiftUs = shiftFor(model, timeOf(records[0]!));
    for (const pipeline of pipelines) pipeline.restore(model, shiftUs);
    if (shiftUs === 0) book.restore(new StateReader(model.sections.get('incidents')!));
  }
  for (const piece of piecesOf(records, batchSize)) {
    // Everybody hears of the time first, so that nobody has to wait in this one thread.
    for (const pipeline of pipelines) pipeline.passTime(timeOf(piece[0]!));
    pipelines.forEach((pipeline, shard) => {
      const bytes = batchOf(piece, { shard, shards }, timeOf(piece[0]!));
      const view = new BatchView(bytes);
      view.open(0, bytes.length);
      pipeline.process(view);
    });
  }
  for (const pipeline of pipelines) pipeline.finish();
  alarms.sort(compareAlarms);
  const state = joinShardStates(pipelines.map((pipeline) => pipeline.finalState()));
  const isLast = (alarm: Alarm): boolean => alarm.order.timeUs > endOfLearning(state.untilUs);
  for (const alarm of alarms) if (!isLast(alarm)) book.add(alarm);
  const incidents = new StateWriter();
  book.save(incidents);
  for (const alarm of alarms) if (isLast(alarm)) book.add(alarm);
  const sections = new Map(state.sections).set('incidents', incidents.take());
  const learned = { ...state, sections };
  return { alarms, incidents: book.finish(), pipelines, learned };
}

/** One bet of a detector. */
export interface SeenBet {
  readonly lane: LaneId;
  readonly address: string;
  readonly timeUs: number;
  /** Number of the entity's active tick, from 1. */
  readonly activeTick: number;
  readonly lnE: number;
}

/** All bets on traffic, by who knows what `model` holds, in the order in which they were made. */
export function betsOn(traffic: Traffic, model?: LearnedState): SeenBet[] {
  const bets: SeenBet[] = [];
  const pipeline = new ShardPipeline({ shard: 0, shards: 1 }, { alarm: () => undefined });
  const [first] = traffic.records();
  if (model !== undefined) pipeline.restore(model, shiftFor(model, timeOf(first!)));
  const bet = pipeline.bet.bind(pipeline);
  pipeline.bet = (entity, lane, lnE) => {
    const { address } = entity.ref;
    const { timeUs } = pipeline;
    bets.push({ lane: LANES[lane]!.id, address, timeUs, activeTick: entity.activeTicks, lnE });
    return bet(entity, lane, lnE);
  };
  feed(traffic, pipeline);
  return bets;
}

/** Exchanges between shards of one thread, which must be driven so that nobody has to wait. */
function createExchanges(shards: number): TickExchange[] {
  if (shards === 1) return [NO_EXCHANGE];
  const frontiers = new Array<number>(shards).fill(-Infinity);
  const inboxes = Array.from({ length: shards }, () => [] as TickDelta[]);
  return frontiers.map((_, shard) => ({
    announce(frontier, deltas) {
      frontiers[shard] = frontier;
      inboxes.forEach((inbox, other) => other !== shard && inbox.push(...structuredClone(deltas)));
    },
    collect(frontier) {
      frontiers.forEach((other, i) => {
        if (i !== shard && other < frontier) throw new Error(`shard ${shard} would wait for ${i}`);
      });
      return inboxes[shard]!.splice(0);
    },
  }));
}
