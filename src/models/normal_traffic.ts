import type { Edge, Impact, Measure, Protocol } from '../domain/action.js';
import type { Edge as KnownEdge } from './edge_book.js';
import { burstOfBin, rateOfBin, type HostHistory, type Lessons } from './host_history.js';
import { TICK_US } from '../domain/tick.js';
import type { TrafficHistory } from './traffic_history.js';

/** Edges that make up less of a host's flows are not its pattern of life. */
const PATTERN_SHARE_LEAST = 1e-3;
const PATTERN_EDGES_MOST = 64;
const TICK_SECONDS = TICK_US / 1e6;

/** What is normal of one host at a moment. */
interface Normal {
  readonly host: HostHistory;
  readonly edges: readonly KnownEdge[];
  readonly bytes: number;
  readonly flows: number;
  readonly seconds: number;
  readonly lessons: readonly Lessons[];
}

/** Nothing is known, so that everything may be lost. */
const UNKNOWN: Impact = {
  bytesShare: 1,
  flowsShare: 1,
  fleetShare: 1,
  devices: 1,
  historySeconds: 0,
};
const NOTHING: Omit<Impact, 'historySeconds'> = {
  bytesShare: 0,
  flowsShare: 0,
  fleetShare: 0,
  devices: 0,
};

/**
 * What is normal, as it was known before an incident began: what measures would take away is read
 * from it before any is taken. Made for one decision; it is not kept.
 */
export class NormalTraffic {
  readonly #history: TrafficHistory;
  readonly #beforeUs: number;
  readonly #isInternal: (address: string) => boolean;
  readonly #normals = new Map<HostHistory, Normal>();
  #fleetBytes: number | null = null;

  /**
   * @param beforeUs edges that were first seen later belong to the incident
   * @param isInternal whether an address is one of those whose traffic is known
   */
  constructor(
    history: TrafficHistory,
    beforeUs: number,
    isInternal: (address: string) => boolean = () => false,
  ) {
    this.#history = history;
    this.#beforeUs = beforeUs;
    this.#isInternal = isInternal;
  }

  impactOf(measure: Measure): Impact {
    switch (measure.kind) {
      case 'observe':
      case 'record':
        return { ...NOTHING, historySeconds: this.#secondsOf(measure.host) };
      case 'limit_sources':
        return this.#limitImpact(measure);
      case 'rate_limit':
        return this.#rateImpact(measure.host, measure.bytesPerSecond);
      case 'block_edge':
        return this.#edgeImpact(measure.edge);
      case 'block_external':
        return this.#externalImpact(measure.address);
      case 'hold_pattern':
        return this.#holdImpact(measure.host, measure.edges);
      case 'isolate':
        return this.#cutImpact(measure.host);
      case 'blackhole':
        return this.#cutImpact(measure.victim);
      case 'sinkhole':
        // Flows do not say which names they were for.
        return UNKNOWN;
    }
  }

  /** The edges that make up the pattern of life of a host, the most used first. */
  patternOf(address: string, isAlwaysKept: (peer: string) => boolean): readonly Edge[] {
    const normal = this.#normalOf(address);
    if (normal === null) return [];
    const isKept = (edge: KnownEdge): boolean =>
      isAlwaysKept(edge.peer) ||
      (edge.flows >= 2 && edge.flows >= PATTERN_SHARE_LEAST * normal.flows);
    const kept = normal.edges.filter(isKept);
    kept.sort((a, b) => b.flows - a.flows || a.key - b.key);
    return kept.slice(0, PATTERN_EDGES_MOST).map((edge) => asEdge(address, edge));
  }

  /** Peers that a host exchanges anything with. */
  peersOf(address: string): readonly string[] {
    return [...new Set(this.#normalOf(address)?.edges.map((edge) => edge.peer) ?? [])];
  }

  /** The rate that all but about one percent of a host's normal bytes keep to; null: not known. */
  usualRateOf(address: string): number | null {
    const lessons = this.#normalOf(address)?.lessons ?? [];
    const bin = quantileBin(sumOf(lessons.map(({ rateBytes }) => rateBytes)));
    return bin === null ? null : rateOfBin(bin);
  }

  /** The same of what one source sends to it, a second: connections of TCP, packets of others. */
  usualBurstOf(address: string): number | null {
    const lessons = this.#normalOf(address)?.lessons ?? [];
    const bin = quantileBin(sumOf(lessons.map(({ burstUnits }) => burstUnits)));
    return bin === null ? null : burstOfBin(bin) / TICK_SECONDS;
  }

  #secondsOf(address: string): number {
    return this.#normalOf(address)?.seconds ?? 0;
  }

  #normalOf(address: string): Normal | null {
    const host = this.#history.host(address);
    return host === undefined ? null : this.#normal(host);
  }

  #normal(host: HostHistory): Normal | null {
    const known = this.#normals.get(host);
    if (known !== undefined) return known;
    const normal = host.learned.edges.flows > 0 ? learnedOf(host) : waitingOf(host, this.#beforeUs);
    if (normal.flows === 0) return null;
    this.#normals.set(host, normal);
    return normal;
  }

  get #fleet(): number {
    if (this.#fleetBytes === null) {
      this.#fleetBytes = 0;
      for (const host of this.#history.hosts()) this.#fleetBytes += this.#normal(host)?.bytes ?? 0;
    }
    return this.#fleetBytes;
  }

  #limitImpact(measure: Extract<Measure, { kind: 'limit_sources' }>): Impact {
    const normal = this.#normalOf(measure.victim);
    if (normal === null) return UNKNOWN;
    const bursts = sumOf(normal.lessons.map(({ burstUnits }) => burstUnits));
    const most = measure.packetsPerSecond * TICK_SECONDS;
    const lost = shareAbove(bursts, burstOfBin, most);
    const served = normal.edges.filter((edge) => edge.isServer);
    const of = (edges: readonly KnownEdge[]): Taken => ({
      bytes: lost * bytesOf(edges),
      flows: lost * flowsOf(edges),
    });
    return this.#impact([{ normal, taken: of(served) }], normal.seconds);
  }

  #rateImpact(host: string, bytesPerSecond: number): Impact {
    const normal = this.#normalOf(host);
    if (normal === null) return UNKNOWN;
    const rates = sumOf(normal.lessons.map(({ rateBytes }) => rateBytes));
    const lost = shareAbove(rates, rateOfBin, bytesPerSecond);
    const taken = { bytes: lost * normal.bytes, flows: lost * normal.flows };
    return this.#impact([{ normal, taken }], normal.seconds);
  }

  /** Who calls has to be known; who never answered anybody has nothing to lose. */
  #edgeImpact(edge: Edge): Impact {
    if (this.#isInternal(edge.from) && this.#normalOf(edge.from) === null) return UNKNOWN;
    const sides = [
      this.#sideOf(edge.from, (known) => !known.isServer && matches(known, edge, edge.to)),
      this.#sideOf(edge.to, (known) => known.isServer && matches(known, edge, edge.from)),
    ].filter((side) => side !== null);
    if (sides.length === 0) return UNKNOWN;
    return this.#impact(sides, leastSeconds(sides));
  }

  #externalImpact(address: string): Impact {
    const sides: Side[] = [];
    let seconds = 0;
    for (const host of this.#history.hosts()) {
      const normal = this.#normal(host);
      if (normal === null) continue;
      seconds = Math.max(seconds, normal.seconds);
      const edges = normal.edges.filter((edge) => edge.peer === address);
      if (edges.length === 0) continue;
      sides.push({ normal, taken: { bytes: bytesOf(edges), flows: flowsOf(edges) } });
    }
    if (seconds === 0) return UNKNOWN;
    return this.#impact(sides, seconds);
  }

  /** Flows on edges that were met once are what goes to new ones: they are not kept (Good-Turing). */
  #holdImpact(host: string, edges: readonly Edge[]): Impact {
    const normal = this.#normalOf(host);
    if (normal === null) return UNKNOWN;
    const names = new Set(edges.map(edgeText));
    const kept = normal.edges.filter((edge) => names.has(edgeText(asEdge(host, edge))));
    const bytes = Math.max(0, normal.bytes - bytesOf(kept));
    const flows = Math.max(0, normal.flows - flowsOf(kept));
    return this.#impact([{ normal, taken: { bytes, flows } }], normal.seconds);
  }

  /** All of a host, and what its peers have with it. */
  #cutImpact(host: string): Impact {
    const normal = this.#normalOf(host);
    if (normal === null) return UNKNOWN;
    const { bytes, flows, seconds } = normal;
    const sides = [{ normal, taken: { bytes, flows } }];
    for (const peer of this.peersOf(host)) {
      const side = this.#sideOf(peer, (edge) => edge.peer === host);
      if (side !== null) sides.push(side);
    }
    return this.#impact(sides, seconds);
  }

  #sideOf(address: string, isTaken: (edge: KnownEdge) => boolean): Side | null {
    const normal = this.#normalOf(address);
    if (normal === null) return null;
    const edges = normal.edges.filter(isTaken);
    return { normal, taken: { bytes: bytesOf(edges), flows: flowsOf(edges) } };
  }

  /** The shares are those of the host that loses most. */
  #impact(sides: readonly Side[], historySeconds: number): Impact {
    const touched = sides.filter(({ taken }) => taken.bytes > 0 || taken.flows > 0);
    const most = (of: (side: Side) => number): number =>
      Math.min(1, Math.max(0, ...touched.map(of)));
    const lost = touched.reduce((sum, { taken }) => sum + taken.bytes, 0);
    return {
      bytesShare: most(({ normal, taken }) => ratio(taken.bytes, normal.bytes)),
      flowsShare: most(({ normal, taken }) => ratio(taken.flows, normal.flows)),
      fleetShare: Math.min(1, ratio(lost, this.#fleet)),
      devices: touched.length,
      historySeconds,
    };
  }
}

interface Taken {
  readonly bytes: number;
  readonly flows: number;
}

interface Side {
  readonly normal: Normal;
  readonly taken: Taken;
}

function learnedOf(host: HostHistory): Normal {
  const { edges } = host.learned;
  return {
    host,
    edges: [...edges.all()],
    bytes: edges.bytes,
    flows: edges.flows,
    seconds: host.learnedSeconds,
    lessons: [host.learned],
  };
}

function waitingOf(host: HostHistory, beforeUs: number): Normal {
  const lessons = [host.waiting, host.current];
  const merged = new Map<number, KnownEdge>();
  for (const edge of lessons.flatMap(({ edges }) => [...edges.all()])) {
    if (edge.firstUs >= beforeUs) continue;
    const other = merged.get(edge.key) ?? { bytes: 0, flows: 0 };
    const sums = { bytes: other.bytes + edge.bytes, flows: other.flows + edge.flows };
    merged.set(edge.key, { ...edge, ...sums });
  }
  const edges = [...merged.values()];
  return {
    host,
    edges,
    bytes: bytesOf(edges),
    flows: flowsOf(edges),
    seconds: Math.max(0, beforeUs - host.firstUs) / 1e6,
    lessons,
  };
}

const bytesOf = (edges: readonly KnownEdge[]): number => edges.reduce((sum, e) => sum + e.bytes, 0);
const flowsOf = (edges: readonly KnownEdge[]): number => edges.reduce((sum, e) => sum + e.flows, 0);
const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 1);
const leastSeconds = (sides: readonly Side[]): number =>
  Math.min(...sides.map(({ normal }) => normal.seconds));

const PROTOCOLS: Readonly<Record<number, Protocol>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmp',
};

/** Of an IP protocol's number. */
export function protocolOf(number: number): Protocol {
  return PROTOCOLS[number] ?? 'any';
}

function asEdge(host: string, { peer, protocol, port, isServer }: KnownEdge): Edge {
  const ends = isServer ? { from: peer, to: host } : { from: host, to: peer };
  return { ...ends, protocol: protocolOf(protocol), port: port === 0 ? null : port };
}

function edgeText({ from, to, protocol, port }: Edge): string {
  return `${from} ${to} ${protocol} ${port}`;
}

function matches(known: KnownEdge, edge: Edge, peer: string): boolean {
  const { protocol, port } = edge;
  const isSamePort = port === null || port === known.port;
  const isSameProtocol = protocol === 'any' || protocol === protocolOf(known.protocol);
  return known.peer === peer && isSamePort && isSameProtocol;
}

function sumOf(rows: readonly Float64Array[]): number[] {
  const [first] = rows;
  if (first === undefined) return [];
  return Array.from(first, (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0));
}

/** The first bin that with those below it holds 99 % of all; null when there is nothing. */
function quantileBin(bins: readonly number[]): number | null {
  const total = bins.reduce((a, b) => a + b, 0);
  if (total === 0) return null;
  let sum = 0;
  return bins.findIndex((amount) => (sum += amount) >= 0.99 * total);
}

/** Share of all that lies above a limit, when a bin's amounts are at its upper end. */
function shareAbove(
  bins: readonly number[],
  upperEnd: (bin: number) => number,
  limit: number,
): number {
  const total = bins.reduce((a, b) => a + b, 0);
  if (total === 0) return 0;
  const above = (amount: number, i: number): number =>
    upperEnd(i) <= limit ? 0 : amount * (1 - limit / upperEnd(i));
  return bins.reduce((sum, amount, i) => sum + above(amount, i), 0) / total;
}
