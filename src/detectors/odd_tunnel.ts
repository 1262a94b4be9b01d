import { formatAddress } from '../batch/address.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { lnOutcomeRatio } from '../models/bernoulli.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { pairKey } from '../models/key_set.js';
import { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D13, tunnels through ping. ATT&CK T1095, T1572.
 *
 * Method: who answers an echo request returns its data (RFC 792, RFC 4443), so a reply has the size of
 * a request before it; a tunnel's replies carry what the other side has to say. Two sequential tests
 * on the record of an echo flow:
 * - each size of a reply among the first 12 packets, once: no request before it had that size;
 * - each minute whose replies are of another size than those of the minute before: in sum they are
 *   not what as many requests were, or too far from it for what was lost.
 * P(such a reply | normal) is 0.02: lost requests and packets taken out of order make it, in a sweep
 * of sizes; a ping that keeps its size, and a host that cuts long replies to one length, are odd once
 * at most. P(such a reply | tunnel) is 0.6.
 *
 * Replies that are what was asked can carry data away all the same: sixteen requests in a row whose
 * data, but for a time and a number at its begin, is not that of the one before are a fact of 21 nats,
 * told once of a device. Programs that measure a path send the same again; that somebody tests with
 * other data is taken to happen to one device in 50,000, once in its life.
 *
 * Memory: 16 flows of 0.1 kB an entity that pings. Cold start: none is needed, the null is the
 * protocol. Evasion: replies padded to their requests, with data that is sent twice each time.
 * Tunnels in GRE, IP or UDP are decoded, what is in them is judged as any traffic; the first use of
 * a protocol is a new edge.
 */
export interface OddTunnelOptions {
  /** P(the size of a reply is no request's | nothing is wrong), and of a tunnel, 0 to 1. */
  readonly oddReply0: number;
  readonly oddReply1: number;
  /** Of requests that carry data of their own, nats. */
  readonly lnVarying: number;
  /** Packets in each direction that make a minute worth a bet. */
  readonly packetsLeast: number;
  /** Minutes of one flow that are bet on: what keeps a flow odd is one cause. */
  readonly minutesMost: number;
  /** Echo flows remembered per entity. */
  readonly flowsMost: number;
}

export const ODD_TUNNEL_DEFAULTS: OddTunnelOptions = {
  oddReply0: 0.02,
  oddReply1: 0.6,
  lnVarying: 21,
  packetsLeast: 5,
  minutesMost: 8,
  flowsMost: 16,
};

const LANE = LANE_INDEX.odd_tunnel;
const ICMP = 1;
const ICMPV6 = 58;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ECHO_REQUEST_V6 = 128;
const ECHO_REPLY_V6 = 129;
const PACKETS = 12;
/** flow/echo_data.h. */
const VARYING_LEAST = 16;

/** Bytes by which mean sizes of two minutes may differ and still be the same. */
const SAME_BYTES = 1;

/** One echo flow; requests are the packets of the side that asks. */
class Echo {
  isHeadJudged = false;
  minutes = 0;
  oddMinutes = 0;
  oddSizes = 0;
  sizes = 0;
  requests = 0;
  replies = 0;
  requestBytes = 0;
  replyBytes = 0;
  /** Mean size of replies in the minute before, 0 when there was none. */
  meanReply = 0;
  firstUs = 0;
  lastUs = 0;
  peer = '';

  clear(): void {
    this.isHeadJudged = false;
    this.minutes = 0;
    this.oddMinutes = 0;
    this.oddSizes = 0;
    this.sizes = 0;
    this.requests = 0;
    this.replies = 0;
    this.requestBytes = 0;
    this.replyBytes = 0;
    this.meanReply = 0;
    this.firstUs = 0;
    this.lastUs = 0;
    this.peer = '';
  }

  save(out: StateWriter): void {
    out.flag(this.isHeadJudged);
    out.f64s([this.minutes, this.oddMinutes, this.oddSizes, this.sizes]);
    out.f64s([this.requests, this.replies, this.requestBytes, this.replyBytes]);
    out.f64s([this.meanReply, this.firstUs, this.lastUs]);
    out.text(this.peer);
  }

  restore(from: StateReader): void {
    this.isHeadJudged = from.flag();
    this.minutes = from.natural();
    this.oddMinutes = from.natural();
    this.oddSizes = from.natural();
    this.sizes = from.natural();
    this.requests = from.natural();
    this.replies = from.natural();
    this.requestBytes = from.natural();
    this.replyBytes = from.natural();
    this.meanReply = from.f64();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.peer = from.text();
  }
}

class OddTunnelState implements EntityState {
  readonly flows: RecencyMap<Echo>;
  /** It was told of requests with data of their own. */
  isVaryingTold = false;
  /** What was said last. */
  headline = '';

  constructor(flowsMost: number) {
    const clear = (echo: Echo): void => echo.clear();
    this.flows = new RecencyMap(flowsMost, () => new Echo(), clear);
  }

  recycle(): boolean {
    return false;
  }
}

/** What is bet on one record. */
interface Bet {
  readonly echo: Echo;
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

interface Seen {
  readonly reason: string;
  readonly feature: string;
  readonly observed: number;
}

class OddTunnelDetector implements Detector {
  readonly name = 'odd_tunnel';
  readonly memoryVersion = 2;
  readonly lanes: readonly LaneId[] = ['odd_tunnel'];
  readonly #slot: number;
  readonly #options: OddTunnelOptions;
  /** Sizes of requests, and of replies that were judged, in the head of one flow. */
  readonly #asked = new Int16Array(PACKETS);
  readonly #judged = new Int16Array(PACKETS);

  constructor(slot: number, options: OddTunnelOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (row.protocol !== ICMP && row.protocol !== ICMPV6) return;
    const side = askingSide(row);
    if (side === 0 || !(row.event & (FlowEvents.UPDATE | FlowEvents.END))) return;
    const state = this.#stateOf(entity);
    const echo = state.flows.claim(pairKey(row.flowIdLow, row.flowIdHigh));
    const bet: Bet = { echo, row, entity, context };
    echo.firstUs = row.tsFirstUs;
    echo.lastUs = row.tsLastUs;
    if (row.flags & FlowFlags.VARYING_ECHO && !state.isVaryingTold) {
      this.#tellVarying(bet, state);
      return;
    }
    if (!echo.isHeadJudged) this.#judgeHead(bet, side);
    this.#judgeMinute(bet, side);
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as OddTunnelState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { flows, isVaryingTold, headline } = entity.slots[this.#slot] as OddTunnelState;
    flows.save(out, (echo) => echo.save(out));
    out.flag(isVaryingTold);
    out.text(headline);
  }

  /** An earlier run has other flows. */
  restoreEntity(entity: Entity, from: StateReader): void {
    if (from.shiftUs !== 0) return;
    const state = this.#stateOf(entity);
    state.flows.restore(from, (echo) => echo.restore(from));
    state.isVaryingTold = from.flag();
    state.headline = from.text();
  }

  #stateOf(entity: Entity): OddTunnelState {
    const { flowsMost } = this.#options;
    return (entity.slots[this.#slot] ??= new OddTunnelState(flowsMost)) as OddTunnelState;
  }

  /** The sizes of the first packets, each reply size once. */
  #judgeHead(bet: Bet, side: number): void {
    const { echo, row } = bet;
    echo.isHeadJudged = true;
    let nAsked = 0;
    let nJudged = 0;
    let lnE = 0;
    for (let i = 0; i < PACKETS; i++) {
      const bytes = row.segmentBytes(i) * side;
      if (bytes > 0) this.#asked[nAsked++] = bytes;
      if (bytes >= 0 || nAsked === 0 || has(this.#judged, nJudged, -bytes)) continue;
      this.#judged[nJudged++] = -bytes;
      const isOdd = !has(this.#asked, nAsked, -bytes);
      if (isOdd) echo.oddSizes++;
      lnE += this.#lnOutcome(isOdd);
    }
    echo.sizes = nJudged;
    if (nJudged > 0) this.#bet(bet, lnE);
  }

  /** Mean sizes since the record before. */
  #judgeMinute(bet: Bet, side: number): void {
    const { echo, row } = bet;
    const isOrig = side > 0;
    const requests = isOrig ? row.origPackets : row.respPackets;
    const replies = isOrig ? row.respPackets : row.origPackets;
    const requestBytes = isOrig ? row.origPayload : row.respPayload;
    const replyBytes = isOrig ? row.respPayload : row.origPayload;
    const { packetsLeast, minutesMost } = this.#options;
    const newRequests = requests - echo.requests;
    const newReplies = replies - echo.replies;
    if (Math.min(newRequests, newReplies) < packetsLeast) return;
    const meanRequest = (requestBytes - echo.requestBytes) / newRequests;
    const meanReply = (replyBytes - echo.replyBytes) / newReplies;
    const isOdd = meanRequest !== meanReply;
    // As many of both are the same packets; else some were lost, which may be any sizes.
    const lost = Math.abs(newRequests - newReplies) / Math.max(newRequests, newReplies);
    const isPlain = lost === 0 || Math.abs(meanRequest - meanReply) > 2 * lost * meanRequest;
    const hasVaried = echo.meanReply > 0 ? differ(meanReply, echo.meanReply) : echo.sizes > 1;
    Object.assign(echo, { requests, replies, requestBytes, replyBytes, meanReply });
    if (!isPlain || !hasVaried || echo.minutes >= minutesMost) return;
    echo.minutes++;
    if (isOdd) echo.oddMinutes++;
    this.#bet(bet, this.#lnOutcome(isOdd));
  }

  #lnOutcome(isOdd: boolean): number {
    const { oddReply0, oddReply1 } = this.#options;
    return lnOutcomeRatio(isOdd, oddReply1, oddReply0);
  }

  #tellVarying(bet: Bet, state: OddTunnelState): void {
    const { lnVarying } = this.#options;
    state.isVaryingTold = true;
    if (!bet.context.bet(bet.entity, LANE, lnVarying)) return;
    this.#explain(bet, lnVarying, {
      reason: `${exchange(bet)}, each request with data of its own`,
      feature: 'ping requests in a row with other data than the one before',
      observed: VARYING_LEAST,
    });
  }

  #bet(bet: Bet, lnE: number): void {
    const { echo, entity, context } = bet;
    if (!context.bet(entity, LANE, lnE)) return;
    this.#explain(bet, lnE, {
      reason: `${exchange(bet)}, whose replies are not what was asked`,
      feature: 'sizes of ping replies that no request had, and minutes of such',
      observed: echo.oddSizes + echo.oddMinutes,
    });
  }

  #explain({ echo, entity, context }: Bet, lnE: number, seen: Seen): void {
    (entity.slots[this.#slot] as OddTunnelState).headline = seen.reason;
    context.explain(entity, LANE, {
      other: echo.peer,
      t0Us: echo.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: seen.reason,
      features: [
        {
          feature: seen.feature,
          observed: seen.observed,
          expectedMedian: 0,
          expectedP99: 1,
          scope: 'default',
          lnEShare: lnE,
          nRef: 0,
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

export function createOddTunnelDetector(
  slot: number,
  options: Partial<OddTunnelOptions> = {},
): Detector {
  return new OddTunnelDetector(slot, { ...ODD_TUNNEL_DEFAULTS, ...options });
}

/** 1 when the originator asks, -1 when the responder does (the tap came late), 0 when it is no ping. */
function askingSide(row: FlowRowView): number {
  const type = row.origPort >> 8;
  if (row.protocol === ICMP) return type === ECHO_REQUEST ? 1 : type === ECHO_REPLY ? -1 : 0;
  return type === ECHO_REQUEST_V6 ? 1 : type === ECHO_REPLY_V6 ? -1 : 0;
}

function has(sizes: Int16Array, n: number, size: number): boolean {
  for (let i = 0; i < n; i++) if (sizes[i] === size) return true;
  return false;
}

const differ = (a: number, b: number): boolean => Math.abs(a - b) > SAME_BYTES;

function exchange({ echo, row }: Bet): string {
  if (echo.peer === '') echo.peer = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
  const span = lasting(echo.lastUs - echo.firstUs);
  const packets = counted(row.origPackets + row.respPackets, 'packet');
  return `exchanged ${packets} with ${echo.peer} as pings in ${span}`;
}
