import { tickOf } from '../../src/domain/tick.js';
import type { Baseline, Packet, ScoreSheet } from './baseline.js';

/** Ticks of a host that must have passed before it is judged. */
const LEAST_TICKS = 6;
/** Deviations below this, in ln units, are noise of counting. */
const LEAST_DEVIATION = 0.1;
const COUNTS = 6;

/**
 * B2, the largest z-score of a host: ln(1 + count) of packets and bytes out, packets and bytes in,
 * distinct destinations and distinct ports in a tick, each against mean and deviation of the same
 * host's ticks before. Scores first, learns after.
 */
export class ZScore implements Baseline {
  readonly alarmFrom = null;
  readonly #hosts = new Map<string, Host>();
  readonly #touched = new Set<Host>();
  #tick = -1;

  onPacket(packet: Packet, sheet: ScoreSheet): void {
    if (packet.source === '') return;
    const tick = tickOf(packet.timeUs);
    if (tick !== this.#tick) this.#endTick(tick, sheet);
    const from = this.#host(packet.source);
    const to = this.#host(packet.destination);
    from.counts[0]!++;
    from.counts[1]! += packet.bytes;
    to.counts[2]!++;
    to.counts[3]! += packet.bytes;
    from.destinations.add(packet.destination);
    // The lower port is the service's; the other one is drawn anew with each connection.
    if (packet.destinationPort <= packet.sourcePort) from.ports.add(packet.destinationPort);
  }

  onEnd(sheet: ScoreSheet): void {
    this.#endTick(this.#tick + 1, sheet);
  }

  #endTick(next: number, sheet: ScoreSheet): void {
    for (const host of this.#touched) {
      sheet.raise(host.address, this.#tick * 5e6, host.judge());
      host.learn();
    }
    this.#touched.clear();
    this.#tick = next;
  }

  #host(address: string): Host {
    let host = this.#hosts.get(address);
    if (host === undefined) this.#hosts.set(address, (host = new Host(address)));
    this.#touched.add(host);
    return host;
  }
}

class Host {
  readonly address: string;
  readonly counts = new Float64Array(COUNTS);
  readonly destinations = new Set<string>();
  readonly ports = new Set<number>();
  readonly #means = new Float64Array(COUNTS);
  readonly #squares = new Float64Array(COUNTS);
  #ticks = 0;

  constructor(address: string) {
    this.address = address;
  }

  judge(): number {
    if (this.#ticks < LEAST_TICKS) return 0;
    let largest = 0;
    this.#values().forEach((value, i) => {
      const deviation = Math.sqrt(this.#squares[i]! / this.#ticks);
      const z = (value - this.#means[i]!) / Math.max(LEAST_DEVIATION, deviation);
      largest = Math.max(largest, z);
    });
    return largest;
  }

  /** Welford's running mean and sum of squares; then the tick's counts begin anew. */
  learn(): void {
    this.#ticks++;
    this.#values().forEach((value, i) => {
      const distance = value - this.#means[i]!;
      this.#means[i]! += distance / this.#ticks;
      this.#squares[i]! += distance * (value - this.#means[i]!);
    });
    this.counts.fill(0);
    this.destinations.clear();
    this.ports.clear();
  }

  #values(): number[] {
    const [out, bytesOut, packetsIn, bytesIn] = this.counts;
    const counts = [out!, bytesOut!, packetsIn!, bytesIn!, this.destinations.size, this.ports.size];
    return counts.map(Math.log1p);
  }
}
