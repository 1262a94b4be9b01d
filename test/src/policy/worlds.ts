import type { FlowRowView } from '../../../src/batch/generated/record_layout.js';
import { FlowFlags, FlowRoles } from '../../../src/batch/generated/record_layout.js';
import { BatchView } from '../../../src/batch/batch_view.js';
import type { ResponsePolicy } from '../../../src/domain/decision.js';
import type { EntityRef } from '../../../src/domain/entity.js';
import type { Evidence } from '../../../src/domain/evidence.js';
import type { FlowRef } from '../../../src/domain/flow.js';
import type { Incident } from '../../../src/domain/incident.js';
import { LANE_INDEX, LANES, type LaneId } from '../../../src/domain/lanes.js';
import type { TrafficHistory } from '../../../src/models/traffic_history.js';
import { BatchWriter, type RowSpec } from '../support/batch_writer.js';
import { isInternal, keyOf, START_US } from '../support/traffic.js';

export const DAY_S = 86_400;
const TCP = 6;

/** What a flow of a test is; times are seconds after START_US. */
export interface Talk {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly bytes?: number;
  readonly protocol?: number;
  readonly lasts?: number;
  /** Hardware addresses of its ends. */
  readonly macs?: readonly [from: string, to: string];
  readonly isAnswered?: boolean;
  readonly packets?: number;
  readonly slice?: number;
}

export function rowOf(talk: Talk): RowSpec {
  const { at, from, to, port, bytes = 10_000, lasts = 0.5, isAnswered = true } = talk;
  const timeUs = START_US + Math.round((at + lasts) * 1e6);
  const roles =
    FlowRoles.PUBLISH |
    (isInternal(from) ? FlowRoles.ORIGINATOR_INTERNAL : 0) |
    (isInternal(to) ? FlowRoles.RESPONDER_INTERNAL : 0);
  return {
    origAddr: from,
    respAddr: to,
    origKey: keyOf(from),
    respKey: keyOf(to),
    timeUs,
    tsFirstUs: START_US + Math.round(at * 1e6),
    tsLastUs: timeUs,
    protocol: talk.protocol ?? TCP,
    origPort: 40_000,
    respPort: port,
    roles,
    flags: isAnswered ? FlowFlags.BOTH_DIRECTIONS : FlowFlags.ATTEMPT_FAILED,
    origPackets: talk.packets ?? 10,
    respPackets: isAnswered ? 10 : 0,
    origBytes: isAnswered ? bytes / 2 : 60,
    respBytes: isAnswered ? bytes / 2 : 0,
    respPayload: isAnswered ? bytes / 3 : 0,
    ...(talk.slice === undefined ? {} : { sliceId: talk.slice }),
    ...(talk.macs === undefined
      ? {}
      : { detail: { mac_orig: talk.macs[0], mac_resp: talk.macs[1] } }),
  };
}

/** Gives flows to whoever takes published records, in their order. */
export function tell(
  talks: readonly Talk[],
  take: (row: FlowRowView, detail: Uint8Array) => void,
): void {
  const rows = talks.map(rowOf).sort((a, b) => a.timeUs! - b.timeUs!);
  for (let i = 0; i < rows.length; i += 1000) {
    const writer = new BatchWriter();
    for (const row of rows.slice(i, i + 1000)) writer.row(row);
    const bytes = writer.finish();
    const view = new BatchView(bytes);
    view.open(0, bytes.length);
    while (view.next() !== 0) {
      const { row, detailAt } = view;
      take(row, view.bytes.subarray(detailAt, detailAt + row.heapBytes));
    }
  }
}

export const learn = (history: TrafficHistory, talks: readonly Talk[]): void =>
  tell(talks, (row, detail) => history.onFlow(row, detail));

/** The same every `everyS` seconds for `spanS`. */
export function again(talk: Talk, everyS: number, spanS: number): Talk[] {
  const n = Math.floor(spanS / everyS);
  return Array.from({ length: n }, (_, i) => ({ ...talk, at: talk.at + i * everyS }));
}

export function entityOf(address: string, changes: Partial<EntityRef> = {}): EntityRef {
  const kind = isInternal(address) ? 'device' : 'external';
  return { kind, key: keyOf(address), address, proven: true, ...changes };
}

export interface Accusation {
  readonly lane: LaneId;
  readonly entity: EntityRef;
  readonly flows?: readonly Partial<FlowRef>[];
  readonly lnE?: number;
  readonly domain?: string;
  readonly other?: string;
}

/** Evidence that was found at `atS`. */
export function evidenceOf(accusation: Accusation, atS: number): Evidence {
  const { lane, entity, flows = [], lnE = 20, domain, other } = accusation;
  const timeUs = START_US + atS * 1e6;
  const { attack, stage } = LANES[LANE_INDEX[lane]]!;
  return {
    lane,
    entity,
    other: other ?? flows[0]?.respIp ?? null,
    t0Us: timeUs - 1e6,
    t1Us: timeUs,
    order: { timeUs, index: 0, sub: 0 },
    p: 1e-8,
    lnE,
    attack,
    stage,
    reason: 'because',
    features: [],
    flows: flows.map((flow, i) => ({
      flowId: i.toString(16).padStart(16, '0'),
      communityId: '1:x',
      protocol: TCP,
      origIp: entity.address,
      origPort: 40_000 + i,
      respIp: '10.0.0.1',
      respPort: 22,
      startUs: timeUs - 1e6,
      ...flow,
    })),
    ...(domain === undefined ? {} : { domain }),
  };
}

/** An incident that opened at `atS` with this evidence. */
export function incidentOf(
  accusations: readonly Accusation[],
  atS: number,
  changes: Partial<Incident> = {},
): Incident {
  const evidence = accusations.map((one) => evidenceOf(one, atS));
  const timeUs = START_US + atS * 1e6;
  const detectors = [...new Set(evidence.map(({ lane }) => lane))];
  return {
    id: '1',
    entity: evidence[0]!.entity,
    others: [],
    severity: 'high',
    confidence: 0.9995,
    loss: 0,
    lnWealth: 20,
    stage: evidence[0]!.stage,
    detectors,
    attack: [],
    firstSeenUs: timeUs - 1e6,
    lastSeenUs: timeUs,
    openedUs: timeUs,
    order: { timeUs, index: 0, sub: 0 },
    summary: `${evidence[0]!.entity.address} did it`,
    evidence,
    evidenceCount: evidence.length,
    ...changes,
  };
}

export const POLICY: ResponsePolicy = {
  mode: 'auto',
  zones: [],
  protectedHosts: [],
  alwaysAllow: [],
  gates: {
    confidenceLeast: 0.99,
    impactMost: 0.2,
    fleetShareMost: 0.001,
    deviceShareMost: 0.02,
    historySecondsLeast: 86_400,
  },
  approvalsForHighImpact: 2,
  deadlineSeconds: 900,
  onDeadline: 'reject',
};
