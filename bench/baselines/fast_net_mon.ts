import type { Baseline, Packet, ScoreSheet } from './baseline.js';

const PACKETS_PER_SECOND = 20_000;
const BITS_PER_SECOND = 1e9;
const FLOWS_PER_SECOND = 3500;

/**
 * B5, thresholds of FastNetMon's defaults on what a host gets, and on what it sends, in a second:
 * packets, bits, and flows. The score is the largest share of a threshold that was reached.
 */
export class FastNetMon implements Baseline {
  readonly alarmFrom = 1;
  readonly #hosts = new Map<string, Second>();
  #second = -1;

  onPacket(packet: Packet, sheet: ScoreSheet): void {
    if (packet.source === '' || packet.isArpRequest) return;
    const second = Math.floor(packet.timeUs / 1e6);
    if (second !== this.#second) this.#endSecond(second, sheet);
    const flow = `${packet.protocol} ${packet.sourcePort} ${packet.destinationPort}`;
    this.#count(`in ${packet.destination}`, `${packet.source} ${flow}`, packet.bytes);
    this.#count(`out ${packet.source}`, `${packet.destination} ${flow}`, packet.bytes);
  }

  onEnd(sheet: ScoreSheet): void {
    this.#endSecond(-1, sheet);
  }

  #count(host: string, flow: string, bytes: number): void {
    let counts = this.#hosts.get(host);
    if (counts === undefined) {
      this.#hosts.set(host, (counts = { packets: 0, bytes: 0, flows: new Set() }));
    }
    counts.packets++;
    counts.bytes += bytes;
    counts.flows.add(flow);
  }

  #endSecond(next: number, sheet: ScoreSheet): void {
    for (const [host, { packets, bytes, flows }] of this.#hosts) {
      const shares = [
        packets / PACKETS_PER_SECOND,
        (8 * bytes) / BITS_PER_SECOND,
        flows.size / FLOWS_PER_SECOND,
      ];
      sheet.raise(host.slice(host.indexOf(' ') + 1), this.#second * 1e6, Math.max(...shares));
    }
    this.#hosts.clear();
    this.#second = next;
  }
}

interface Second {
  packets: number;
  bytes: number;
  readonly flows: Set<string>;
}
