import type { EntityRef } from '../domain/entity.js';
import type { Evidence, FeatureShare } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import type { Incident, Severity } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import { thymus } from './gen/verdict.js';

const { Disposition, Severity: Level } = thymus.v1;

/** Raised when the meaning of a field of proto/verdict.proto changes. */
export const VERDICT_SCHEMA_VERSION = 1;

/** From this posterior on an incident's entity is called malicious, below it suspicious. */
export const MALICIOUS_CONFIDENCE = 0.9;

const SEVERITIES: Readonly<Record<Severity, thymus.v1.Severity>> = {
  low: Level.SEVERITY_LOW,
  medium: Level.SEVERITY_MEDIUM,
  high: Level.SEVERITY_HIGH,
  critical: Level.SEVERITY_CRITICAL,
};

/** The verdict on an incident's entity, as it goes over the wire. */
export function verdictMessage(incident: Incident): thymus.v1.Verdict.$Properties {
  return {
    entity: entityMessage(incident.entity),
    disposition:
      incident.confidence >= MALICIOUS_CONFIDENCE
        ? Disposition.DISPOSITION_MALICIOUS
        : Disposition.DISPOSITION_SUSPICIOUS,
    confidence: incident.confidence,
    severity: SEVERITIES[incident.severity],
    incidentId: incident.id,
    stage: incident.stage,
    detectors: [...incident.detectors],
    attack: [...incident.attack],
    others: [...incident.others],
    firstSeenUs: Math.round(incident.firstSeenUs),
    lastSeenUs: Math.round(incident.lastSeenUs),
    openedUs: Math.round(incident.openedUs),
    lnWealth: incident.lnWealth,
    summary: incident.summary,
    evidence: incident.evidence.map(evidenceMessage),
    evidenceCount: incident.evidenceCount,
  };
}

/** What is said at the end of a verdict file that is whole. */
export function runEndMessage(
  summary: RunSummary,
  nVerdicts: number,
): thymus.v1.RunEnd.$Properties {
  return {
    packets: summary.packets,
    bytes: summary.bytes,
    flows: summary.flows,
    entities: summary.entities,
    firstPacketUs: Math.round(summary.firstPacketUs),
    lastPacketUs: Math.round(summary.lastPacketUs),
    interrupted: summary.interrupted,
    sourceErrors: summary.sources
      .filter((source) => source.kind !== 'ok')
      .map(({ path, kind, error }) => ({ path, kind, message: error ?? '' })),
    verdicts: nVerdicts,
  };
}

/** An entity, as it goes over the wire. */
export function entityMessage(entity: EntityRef): thymus.v1.Entity.$Properties {
  return { kind: entity.kind, address: entity.address, proven: entity.proven };
}

function evidenceMessage(evidence: Evidence): thymus.v1.Evidence.$Properties {
  return {
    detector: evidence.lane,
    entity: entityMessage(evidence.entity),
    other: evidence.other ?? '',
    fromUs: Math.round(evidence.t0Us),
    toUs: Math.round(evidence.t1Us),
    p: evidence.p,
    lnE: evidence.lnE,
    stage: evidence.stage,
    attack: [...evidence.attack],
    reason: evidence.reason,
    features: evidence.features.map(featureMessage),
    flows: evidence.flows.map(flowMessage),
  };
}

function featureMessage(share: FeatureShare): thymus.v1.Feature.$Properties {
  return {
    name: share.feature,
    observed: share.observed,
    expectedMedian: share.expectedMedian,
    expectedP99: share.expectedP99,
    scope: share.scope,
    lnEShare: share.lnEShare,
    nRef: share.nRef,
  };
}

function flowMessage(flow: FlowRef): thymus.v1.FlowRef.$Properties {
  return { ...flow, startUs: Math.round(flow.startUs) };
}
