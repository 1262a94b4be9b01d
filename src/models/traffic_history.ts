import { formatAddress, isIpv4 } from '../batch/address.js';
import { EventField } from '../batch/generated/event_schema.js';
import {
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { tickOf } from '../domain/tick.js';
import type { EdgeSpec } from './edge_book.js';
import { HostHistory } from './host_history.js';
import { pairKey } from './key_set.js';
import { LEARNING_DELAY_US } from './quarantine.js';
import { RecencyMap } from './recency_map.js';
import { SourceStations } from './source_stations.js';

const HOSTS_MOST = 8192;
const FAN_IN_SHARE = 0.01;
const CLIENTS_LEAST = 3;
/** Where less than one host is a percent of all: so much of the network has to call it. */
const CLIENTS_SHARE_LEAST = 0.25;
const SUSPECTS_MOST = 4096;
/** What was normal a fortnight ago counts half. */
const HALF_LIFE_US = 14 * 86_400e6;
const DECAY = 2 ** (-LEARNING_DELAY_US / HALF_LIFE_US);
const TCP = 6;
const UDP = 17;
const DNS_PORT = 53;
const { MAC_ORIG, MAC_RESP } = EventField.FLOW_DETAIL;

class Suspect {
  untilUs = -Infinity;
}

/**
 * What is normal between hosts, from published flows: the edges of each internal host with their
 * bytes and flows, its rates, who calls it. It is what the harm of a measure is predicted from, so
 * it counts answered flows only: what nobody answers, nobody misses.
 *
 * Lessons wait for half an hour, in stretches as long, and are thrown away when their host fell
 * under suspicion meanwhile. Before the first were learned, those that wait speak for themselves.
 * Bounded: 8,192 hosts with 64 learned edges and 32 in each stretch that waits; the host seen
 * longest ago gives way. Flows count when they end: an edge whose only flow has been open since
 * before the start is not known yet.
 */
export class TrafficHistory {
  readonly stations = new SourceStations();
  readonly #hosts: RecencyMap<HostHistory>;
  readonly #byAddress = new Map<string, HostHistory>();
  readonly #suspects = new RecencyMap<Suspect>(
    SUSPECTS_MOST,
    () => new Suspect(),
    (suspect) => (suspect.untilUs = -Infinity),
  );
  readonly #fields = new TlvReader();
  #stretch = -Infinity;

  /** @param hostsMost for tests */
  constructor(hostsMost = HOSTS_MOST) {
    this.#hosts = new RecencyMap(
      hostsMost,
      () => new HostHistory(),
      (host) => {
        this.#byAddress.delete(host.address);
        host.clear();
      },
    );
  }

  /** Internal hosts that were seen to be there. */
  get size(): number {
    return this.#hosts.size;
  }

  get evictions(): number {
    return this.#hosts.evictions;
  }

  hosts(): Iterable<HostHistory> {
    return this.#hosts.values();
  }

  host(address: string): HostHistory | undefined {
    return this.#byAddress.get(address);
  }

  /**
   * Addresses of the hosts that most others call: the top percent of those that answer three or more.
   * In a network of less than a hundred hosts somebody is always the busiest, and may serve three:
   * there it is the one that a quarter of the network calls, if there is one.
   */
  topFanIn(): ReadonlySet<string> {
    const ranked = [...this.#hosts.values()]
      .map(({ address, clients }) => ({ address, clients }))
      .filter(({ clients }) => clients > CLIENTS_LEAST - 0.5)
      .sort((a, b) => b.clients - a.clients || (a.address < b.address ? -1 : 1));
    if (FAN_IN_SHARE * this.size < 1) {
      const least = CLIENTS_SHARE_LEAST * this.size;
      return new Set(ranked.slice(0, 1).flatMap((one) => (one.clients < least ? [] : one.address)));
    }
    const most = Math.ceil(FAN_IN_SHARE * this.size);
    return new Set(ranked.slice(0, most).map(({ address }) => address));
  }

  /** A flow has ended. */
  onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#passTime(row.timeUs);
    if (row.flags & FlowFlags.MULTICAST) return;
    const isOrigInternal = (row.roles & FlowRoles.ORIGINATOR_INTERNAL) !== 0;
    const isRespInternal = (row.roles & FlowRoles.RESPONDER_INTERNAL) !== 0;
    if (!isOrigInternal && !isRespInternal) return;
    const isAnswered = isAnsweredFlow(row);
    if (isAnswered && row.protocol === TCP && row.respPayload > 0) this.#learnStations(row, detail);
    const isSuspect = this.#isSuspect(row.origKey, row) || this.#isSuspect(row.respKey, row);
    if (isSuspect) return;
    if (isOrigInternal) this.#addSide(row, true, isAnswered);
    if (isRespInternal) this.#addSide(row, false, isAnswered);
  }

  /** The internal ends of a flow that goes over an edge which they had before. */
  endsKnownBefore(row: FlowRowView): readonly string[] {
    const ends: string[] = [];
    for (const isOriginator of [true, false]) {
      const host = this.#hosts.peek(isOriginator ? row.origKey : row.respKey);
      if (host?.find(edgeKeyOf(row, isOriginator)) !== undefined) ends.push(host.address);
    }
    return ends;
  }

  /** Somebody fell under suspicion: nothing is learned of it until then, nor what waits. */
  suspect(key: number, untilUs: number): void {
    const suspect = this.#suspects.claim(key);
    suspect.untilUs = Math.max(suspect.untilUs, untilUs);
    const host = this.#hosts.peek(key);
    if (host === undefined) return;
    host.suspectUntilUs = suspect.untilUs;
    host.isWaitingTainted = true;
    host.isCurrentTainted = true;
  }

  /** Somebody said what a host is to all others, such as a DHCP server. */
  setRole(address: string, role: string): void {
    const host = this.#byAddress.get(address);
    if (host !== undefined) host.role = role;
  }

  save(out: StateWriter): void {
    out.f64(this.#stretch);
    this.#hosts.save(out, (host) => out.part(() => host.save(out)));
    this.#suspects.save(out, (suspect) => out.f64(suspect.untilUs));
    this.stations.save(out);
  }

  /** Goes on with the history of an earlier run. REQUIRES: nothing was seen yet. */
  restore(from: StateReader): void {
    this.#stretch = from.time(LEARNING_DELAY_US);
    this.#hosts.restore(from, (host) => {
      const part = from.part();
      host.restore(part, part.natural());
      this.#byAddress.set(host.address, host);
    });
    this.#suspects.restore(from, (suspect) => (suspect.untilUs = from.time()));
    this.stations.restore(from);
  }

  #isSuspect(key: number, row: FlowRowView): boolean {
    const suspect = this.#suspects.peek(key);
    return suspect !== undefined && row.timeUs < suspect.untilUs;
  }

  #addSide(row: FlowRowView, isOriginator: boolean, isAnswered: boolean): void {
    const key = isOriginator ? row.origKey : row.respKey;
    const peerKey = isOriginator ? row.respKey : row.origKey;
    const edgeKey = edgeKeyOf(row, isOriginator);
    if (!isAnswered) {
      this.#hosts.peek(key)?.addOutcome(edgeKey, false);
      return;
    }
    const host = this.#claim(key, row, isOriginator);
    host.addOutcome(edgeKey, true);
    if (row.sliceId !== 0xffff) host.slice = row.sliceId;
    if (!isOriginator) this.#serve(host, peerKey, row);
    const edge: EdgeSpec = {
      key: edgeKey,
      peer: host.find(edgeKey)?.peer ?? textOf(row, !isOriginator),
      protocol: row.protocol,
      port: portOf(row),
      isServer: !isOriginator,
      firstUs: row.tsFirstUs,
    };
    host.add({
      edge,
      bytes: row.origBytes + row.respBytes,
      durationUs: row.tsLastUs - row.tsFirstUs,
      units: row.protocol === TCP ? 1 : row.origPackets,
      tick: tickOf(row.timeUs),
    });
  }

  #serve(host: HostHistory, peerKey: number, row: FlowRowView): void {
    host.addClient(peerKey);
    const isDns = row.respPort === DNS_PORT && (row.protocol === UDP || row.protocol === TCP);
    if (isDns && host.role === '') host.role = 'DNS server';
  }

  #claim(key: number, row: FlowRowView, isOriginator: boolean): HostHistory {
    const host = this.#hosts.claim(key);
    if (host.address === '') {
      host.become(key, textOf(row, isOriginator), row.tsFirstUs);
      this.#byAddress.set(host.address, host);
    }
    return host;
  }

  #learnStations(row: FlowRowView, detail: Uint8Array): void {
    const fields = this.#fields.open(detail, 0, detail.length);
    while (fields.next()) {
      if (fields.number > MAC_RESP) return;
      if (fields.number === MAC_ORIG) this.#learnStation(macNumber(fields), row, true);
      else if (fields.number === MAC_RESP) this.#learnStation(macNumber(fields), row, false);
    }
  }

  #learnStation(mac: number, row: FlowRowView, isOriginator: boolean): void {
    if (mac === 0) return;
    const role = isOriginator ? FlowRoles.ORIGINATOR_INTERNAL : FlowRoles.RESPONDER_INTERNAL;
    const offset = isOriginator ? FlowRowOffset.origAddr : FlowRowOffset.respAddr;
    const address = {
      key: isOriginator ? row.origKey : row.respKey,
      isInternal: (row.roles & role) !== 0,
      isIpv4: isIpv4(row.u8, row.at + offset),
    };
    this.stations.learn(mac, address, row.timeUs);
  }

  #passTime(nowUs: number): void {
    const stretch = Math.floor(nowUs / LEARNING_DELAY_US);
    if (stretch <= this.#stretch) return;
    const ended = this.#stretch === -Infinity ? 0 : Math.min(2, stretch - this.#stretch);
    for (let i = 0; i < ended; i++) {
      const endUs = (stretch - ended + 1 + i) * LEARNING_DELAY_US;
      for (const host of this.#hosts.values()) host.endStretch(endUs, LEARNING_DELAY_US, DECAY);
    }
    this.#stretch = stretch;
  }
}

/** True for a flow that worked: both sides spoke, and it was not refused. */
export function isAnsweredFlow(row: FlowRowView): boolean {
  const { flags } = row;
  return (flags & FlowFlags.BOTH_DIRECTIONS) !== 0 && (flags & FlowFlags.ATTEMPT_FAILED) === 0;
}

const portOf = ({ protocol, respPort }: FlowRowView): number =>
  protocol === TCP || protocol === UDP ? respPort : 0;

/** From the side of one of its ends: who the other is, what is called, and by whom. */
function edgeKeyOf(row: FlowRowView, isOriginator: boolean): number {
  const peerKey = isOriginator ? row.respKey : row.origKey;
  const service = row.protocol * 65_536 + portOf(row);
  return pairKey(peerKey, service * 2 + (isOriginator ? 0 : 1));
}

function textOf(row: FlowRowView, isOriginator: boolean): string {
  const offset = isOriginator ? FlowRowOffset.origAddr : FlowRowOffset.respAddr;
  return formatAddress(row.u8, row.at + offset);
}

/** Hardware addresses are written in their order, the first byte first. */
function macNumber({ bytes, at, length }: TlvReader): number {
  let mac = 0;
  for (let i = 0; i < length; i++) mac = mac * 256 + bytes[at + i]!;
  return length === 6 ? mac : 0;
}
