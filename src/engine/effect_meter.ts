import { formatAddress } from '../batch/address.js';
import { FlowRowOffset, type FlowRowView } from '../batch/generated/record_layout.js';
import type { Protocol } from '../domain/action.js';
import type { MeasureStatus } from '../domain/decision.js';
import { addressesOf, dropsTraffic, stopsFlow, type FlowEnds } from '../domain/measure.js';
import type { EffectFigures } from '../domain/response_port.js';
import type { TrafficHistory } from '../models/traffic_history.js';

interface Gauge {
  readonly status: MeasureStatus;
  readonly hosts: ReadonlySet<string>;
  readonly activeUs: number;
  fromUs: number;
  evidence: number;
  flows: number;
  answered: number;
}

/**
 * What measures in force do, seen in records: what the attack still does (see EffectFigures), and how
 * many of the flows on normal edges of the hosts that they name are answered. Flows that a measure
 * means to stop are not among them.
 */
export class EffectMeter {
  readonly #history: TrafficHistory;
  readonly #gauges = new Map<string, Gauge>();

  constructor(history: TrafficHistory) {
    this.#history = history;
  }

  /** Follows those that are in force, and no others. */
  follow(measures: readonly MeasureStatus[], nowUs: number): void {
    const active = new Map(
      measures.filter(({ state }) => state === 'active').map((one) => [one.proposal, one]),
    );
    for (const proposal of this.#gauges.keys()) {
      if (!active.has(proposal)) this.#gauges.delete(proposal);
    }
    for (const [proposal, status] of active) {
      if (this.#gauges.has(proposal)) continue;
      const hosts = new Set(addressesOf(status.measure));
      const counts = { evidence: 0, flows: 0, answered: 0 };
      this.#gauges.set(proposal, { status, hosts, activeUs: nowUs, fromUs: nowUs, ...counts });
    }
  }

  onFlow(row: FlowRowView, isAnswered: boolean): void {
    if (this.#gauges.size === 0) return;
    const known = this.#history.endsKnownBefore(row);
    if (!isAnswered && known.length === 0) return;
    const ends = endsOf(row);
    if (isAnswered) this.#noteWhatCameThrough(row, ends);
    for (const host of known) {
      for (const gauge of this.#gauges.values()) {
        if (!gauge.hosts.has(host) || stopsFlow(gauge.status.measure, ends)) continue;
        gauge.flows++;
        if (isAnswered) gauge.answered++;
      }
    }
  }

  /** Its incident has so many more pieces of evidence. */
  onEvidence(incident: string, pieces: number): void {
    for (const gauge of this.#gauges.values()) {
      const { incident: own, measure } = gauge.status;
      if (own === incident && !dropsTraffic(measure)) gauge.evidence += pieces;
    }
  }

  #noteWhatCameThrough(row: FlowRowView, ends: FlowEnds): void {
    for (const gauge of this.#gauges.values()) {
      if (row.tsFirstUs > gauge.activeUs && stopsFlow(gauge.status.measure, ends)) gauge.evidence++;
    }
  }

  /** The figures since the last call. */
  take(nowUs: number): EffectFigures[] {
    return [...this.#gauges.values()].map((gauge) => {
      const { status, hosts, fromUs, evidence, flows, answered } = gauge;
      Object.assign(gauge, { fromUs: nowUs, evidence: 0, flows: 0, answered: 0 });
      return {
        proposal: status.proposal,
        fromUs,
        untilUs: nowUs,
        evidence,
        normalFlows: flows,
        normalAnswered: answered,
        usualAnsweredShare: this.#usualShare(hosts),
      };
    });
  }

  #usualShare(hosts: ReadonlySet<string>): number | null {
    let flows = 0;
    let answered = 0;
    for (const address of hosts) {
      const host = this.#history.host(address);
      if (host === undefined) continue;
      for (const lessons of [host.learned, host.waiting]) {
        flows += lessons.knownFlows;
        answered += lessons.knownAnswered;
      }
    }
    return flows === 0 ? null : answered / flows;
  }
}

const PROTOCOLS: ReadonlyMap<number, Protocol> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp'],
]);

const endsOf = (row: FlowRowView): FlowEnds => ({
  from: formatAddress(row.u8, row.at + FlowRowOffset.origAddr),
  to: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
  protocol: PROTOCOLS.get(row.protocol) ?? 'any',
  port: row.respPort,
});
