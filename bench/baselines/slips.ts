import type { Baseline, EndedFlow, Packet, ScoreSheet } from './baseline.js';

const WINDOW_US = 3600e6;
/** A host alarms at a quarter of a threat for each minute of a window. */
const ALARM_FROM = 0.25 * 60;

const LEVEL = { low: 0.2, medium: 0.5, high: 0.8 } as const;
const SCAN_LEAST = 5;
const SSH_LEAST = 9;
const SSH_PORT = 22;
/** An SSH connection that ends below this was refused: what is in it cannot be read. */
const SSH_REFUSED_BYTES = 6000;
const UPLOAD_LEAST_BYTES = 100e6;
const NAMES_LEAST = 10;
const NAME_ERROR = 3;
const ARP_LEAST = 5;
/** Packets that make a scan certain. */
const SURE_PACKETS = 10;

/**
 * B4, rules of Slips as its sources state them: five ports or five addresses that were tried in vain
 * (told again at each power of ten), nine refused SSH logins, 100 MB to one destination, ten names
 * that do not exist, five addresses asked for by ARP. Each adds threat level times confidence to the
 * host's window of an hour. Left out are its blocklists, its models and the HTTPS anomaly.
 */
export class Slips implements Baseline {
  readonly alarmFrom = ALARM_FROM;
  readonly #hosts = new Map<string, Window>();

  onPacket(packet: Packet, sheet: ScoreSheet): void {
    if (packet.isArpRequest) {
      const host = this.#host(packet.source, packet.timeUs);
      const asked = host.distinct('arp', packet.destination);
      if (isToldAt(asked, ARP_LEAST)) host.add(LEVEL.low);
      this.#tell(host, packet.source, { timeUs: packet.timeUs, sheet });
    } else if (packet.dnsCode === NAME_ERROR) {
      const host = this.#host(packet.destination, packet.timeUs);
      if (isToldAt(host.count('names'), NAMES_LEAST)) host.add(LEVEL.high);
      this.#tell(host, packet.destination, { timeUs: packet.timeUs, sheet });
    }
  }

  onFlow(flow: EndedFlow, sheet: ScoreSheet): void {
    const { originator, responder, responderPort: port, protocol } = flow;
    const host = this.#host(originator, flow.endUs);
    if (!flow.isEstablished) {
      const packets = host.count('failed packets', flow.originatorPackets);
      const confidence = Math.min(1, packets / SURE_PACKETS);
      const ports = host.distinct(`ports of ${responder}`, `${protocol}/${port}`);
      if (isToldAt(ports, SCAN_LEAST)) host.add(LEVEL.high * confidence);
      const addresses = host.distinct(`port ${protocol}/${port}`, responder);
      if (isToldAt(addresses, SCAN_LEAST)) host.add(LEVEL.high * confidence);
    } else if (port === SSH_PORT && flow.responderBytes < SSH_REFUSED_BYTES) {
      if (isToldAt(host.count(`ssh ${responder}`), SSH_LEAST)) host.add(LEVEL.high);
    }
    if (flow.isOutbound) {
      const before = host.count(`to ${responder}`, 0);
      const after = host.count(`to ${responder}`, flow.originatorBytes);
      if (before < UPLOAD_LEAST_BYTES && after >= UPLOAD_LEAST_BYTES) host.add(LEVEL.medium);
    }
    this.#tell(host, originator, { timeUs: flow.endUs, sheet });
  }

  #tell(
    host: Window,
    address: string,
    { timeUs, sheet }: { timeUs: number; sheet: ScoreSheet },
  ): void {
    if (host.threat > 0) sheet.raise(address, timeUs, host.threat);
  }

  #host(address: string, timeUs: number): Window {
    let host = this.#hosts.get(address);
    if (host === undefined || timeUs >= host.beginUs + WINDOW_US) {
      this.#hosts.set(address, (host = new Window(timeUs)));
    }
    return host;
  }
}

/** True at the least number, and then when a count comes to a power of ten. */
function isToldAt(count: number | null, least: number): boolean {
  if (count === null) return false;
  return count === least || (count > least && Number.isInteger(Math.log10(count)));
}

/** What a host did in an hour. */
class Window {
  readonly beginUs: number;
  threat = 0;
  readonly #counts = new Map<string, number>();
  readonly #sets = new Map<string, Set<string>>();

  constructor(beginUs: number) {
    this.beginUs = beginUs;
  }

  add(threat: number): void {
    this.threat += threat;
  }

  count(what: string, by = 1): number {
    const count = (this.#counts.get(what) ?? 0) + by;
    this.#counts.set(what, count);
    return count;
  }

  /** How many there are when this one is new, else null. */
  distinct(what: string, member: string): number | null {
    const set = this.#sets.get(what) ?? new Set();
    this.#sets.set(what, set);
    if (set.has(member)) return null;
    return set.add(member).size;
  }
}
