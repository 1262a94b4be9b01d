import type { Candidate } from '../domain/action.js';
import type { Evidence } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import type { Incident } from '../domain/incident.js';
import { LANE_INDEX, LANES, type LaneId } from '../domain/lanes.js';
import type { DryProposal } from '../engine/dry_run.js';
import { flowNumber } from './eve_flow.js';
import { measureWords } from './proposal_text.js';
import { ipProtocolName } from './protocol_names.js';
import { eveTime } from './time_text.js';

/**
 * The event `incident`: written once per incident, in its last state. `timestamp` is the packet time
 * at which the evidence was enough, when a live run would have spoken.
 * @param proposals what a dry run would have proposed; undefined where there was none
 */
export function incidentLine(incident: Incident, proposals?: readonly DryProposal[]): string {
  const event = {
    timestamp: eveTime(incident.openedUs),
    event_type: 'incident',
    ...incidentEnds(incident),
    incident: {
      ...incidentBody(incident),
      ...(proposals === undefined ? {} : { proposals: proposals.map(proposalBody) }),
    },
  };
  return `${JSON.stringify(event)}\n`;
}

/**
 * Who did it to whom, where that means something: `src_ip` is the side the flows of the evidence
 * came from, `dest_ip` the side they went to; a side with several hosts is left out.
 */
export function incidentEnds(incident: Incident): { src_ip?: string; dest_ip?: string } {
  const { address, kind } = incident.entity;
  const flows = incident.evidence.flatMap((evidence) => evidence.flows);
  const received = flows.filter((flow) => flow.respIp === address);
  const sent = flows.filter((flow) => flow.origIp === address);
  if (received.length > sent.length) {
    return { ...only('src_ip', received, (flow) => flow.origIp), dest_ip: address };
  }
  if (sent.length > 0) return { src_ip: address, ...only('dest_ip', sent, (flow) => flow.respIp) };
  if (kind === 'segment') return {};
  return incident.detectors.every(isAboutVictim) ? { dest_ip: address } : { src_ip: address };
}

/** Floods are told of the host that receives them, and their evidence is counts, not flows. */
function isAboutVictim(id: LaneId): boolean {
  const { family, stage } = LANES[LANE_INDEX[id]]!;
  return family === 'volume' && stage === 'impact';
}

function only(
  end: 'src_ip' | 'dest_ip',
  flows: readonly FlowRef[],
  side: (flow: FlowRef) => string,
): { src_ip?: string; dest_ip?: string } {
  const hosts = new Set(flows.map(side));
  return hosts.size === 1 ? { [end]: [...hosts][0]! } : {};
}

function incidentBody(incident: Incident): object {
  const { kind, address, proven } = incident.entity;
  return {
    id: incident.id,
    entity: { kind, address, proven },
    others: incident.others,
    severity: incident.severity,
    confidence: rounded(incident.confidence),
    ...(incident.loss > 0 ? { loss: rounded(incident.loss) } : {}),
    stage: incident.stage,
    detectors: incident.detectors,
    attack: incident.attack,
    first_seen: eveTime(incident.firstSeenUs),
    last_seen: eveTime(incident.lastSeenUs),
    summary: incident.summary,
    evidence: incident.evidence.map(evidenceBody),
    evidence_count: incident.evidenceCount,
  };
}

function evidenceBody(evidence: Evidence): object {
  return {
    detector: evidence.lane,
    reason: evidence.reason,
    ...(evidence.other === null ? {} : { other: evidence.other }),
    stage: evidence.stage,
    attack: evidence.attack,
    from: eveTime(evidence.t0Us),
    to: eveTime(evidence.t1Us),
    p: evidence.p,
    ln_e: rounded(evidence.lnE),
    features: evidence.features.map((share) => ({
      feature: share.feature,
      observed: rounded(share.observed),
      expected_median: rounded(share.expectedMedian),
      expected_p99: rounded(share.expectedP99),
      scope: share.scope,
      ln_e_share: rounded(share.lnEShare),
      n_ref: share.nRef,
    })),
    flows: evidence.flows.map(flowBody),
  };
}

function proposalBody({ proposal, renewals }: DryProposal): object {
  const { id, mode, chosen, alternatives, gates, unattended, approvalsNeeded } = proposal;
  return {
    id,
    at: eveTime(proposal.decidedUs),
    ...candidateBody(chosen),
    mode,
    unattended,
    approvals_needed: approvalsNeeded,
    deadline_s: proposal.deadlineSeconds,
    on_deadline: proposal.onDeadline,
    ttl_s: proposal.ttlSeconds,
    renewals,
    gates,
    alternatives: alternatives.map(candidateBody),
  };
}

function candidateBody({ measure, impact, expectedLoss }: Candidate): object {
  return {
    action: measure.kind,
    words: measureWords(measure),
    measure,
    impact: {
      bytes_share: rounded(impact.bytesShare),
      flows_share: rounded(impact.flowsShare),
      fleet_share: rounded(impact.fleetShare),
      devices: impact.devices,
      history_s: rounded(impact.historySeconds),
    },
    expected_loss: rounded(expectedLoss),
  };
}

function flowBody(flow: FlowRef): object {
  return {
    flow_id: flowIdNumber(flow.flowId),
    community_id: flow.communityId,
    proto: ipProtocolName(flow.protocol),
    src_ip: flow.origIp,
    src_port: flow.origPort,
    dest_ip: flow.respIp,
    dest_port: flow.respPort,
    start: eveTime(flow.startUs),
  };
}

/** The number that the `flow` event of the same flow carries. */
function flowIdNumber(hex: string): number {
  const padded = hex.padStart(16, '0');
  return flowNumber(Number.parseInt(padded.slice(0, 8), 16), Number.parseInt(padded.slice(8), 16));
}

/** Six decimals are more than any statement of ours is worth. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}
