import {
  AUTONOMY_MODES,
  LADDER,
  type ActionKind,
  type Candidate,
  type Edge,
  type Measure,
  type Proposal,
  type Protocol,
} from '../domain/action.js';
import { STAGES } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import { ThymusError } from '../errors.js';
import type { thymus } from './gen/response.js';

type ProposalMessage = thymus.v1.Proposal.$Properties;
type CandidateMessage = thymus.v1.Candidate.$Properties;
type MeasureMessage = thymus.v1.Measure.$Properties;
type EdgeMessage = thymus.v1.Edge.$Properties;

const MOST_ALTERNATIVES = 8;
const KINDS: readonly ActionKind[] = LADDER.map(({ kind }) => kind);
const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'icmp', 'any'];
const ENTITIES = ['device', 'external', 'segment', 'service'] as const;
const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
const ANSWERS = ['reject', 'approve'] as const;

/** @param inputs JSON of what was decided by; may be empty */
export function proposalMessage(proposal: Proposal, inputs: string): ProposalMessage {
  const { detectors, gates, alternatives, ...plain } = proposal;
  return {
    ...plain,
    detectors: [...detectors],
    gates: [...gates],
    chosen: candidateMessage(proposal.chosen),
    alternatives: alternatives.map(candidateMessage),
    inputs,
  };
}

/** @throws ThymusError REFUSED when it is not one that can be meant */
export function proposalOf(message: ProposalMessage): Proposal {
  const { entity } = message;
  if (!message.id || !message.chosen || !entity?.address) throw malformed('a proposal');
  return {
    id: message.id,
    incident: message.incident ?? '',
    entity: {
      kind: among(ENTITIES, entity.kind, 'kind of entity'),
      key: entity.key ?? 0,
      address: entity.address,
      proven: entity.proven ?? false,
    },
    summary: message.summary ?? '',
    severity: among(SEVERITIES, message.severity, 'severity'),
    stage: among(STAGES, message.stage, 'stage'),
    confidence: message.confidence ?? 0,
    lnWealth: message.lnWealth ?? 0,
    detectors: (message.detectors ?? []).filter((one): one is LaneId => one in LANE_INDEX),
    mode: among(AUTONOMY_MODES, message.mode, 'mode'),
    chosen: candidateOf(message.chosen),
    alternatives: (message.alternatives ?? []).slice(0, MOST_ALTERNATIVES).map(candidateOf),
    gates: (message.gates ?? []).map(({ name, passed, reason }) => ({
      name: name ?? '',
      passed: passed ?? false,
      reason: reason ?? '',
    })),
    unattended: message.unattended ?? false,
    approvalsNeeded: message.approvalsNeeded ?? 0,
    deadlineSeconds: seconds(message.deadlineSeconds, 'deadline'),
    onDeadline: among(ANSWERS, message.onDeadline, 'default'),
    ttlSeconds: seconds(message.ttlSeconds, 'time to live'),
    decidedUs: message.decidedUs ?? 0,
  };
}

function candidateMessage({ measure, impact, expectedLoss }: Candidate): CandidateMessage {
  return { measure: measureMessage(measure), impact: { ...impact }, expectedLoss };
}

function candidateOf({ measure, impact, expectedLoss }: CandidateMessage): Candidate {
  if (!measure) throw malformed('a candidate');
  return {
    measure: measureOf(measure),
    impact: {
      bytesShare: impact?.bytesShare ?? 1,
      flowsShare: impact?.flowsShare ?? 1,
      fleetShare: impact?.fleetShare ?? 1,
      devices: impact?.devices ?? 0,
      historySeconds: impact?.historySeconds ?? 0,
    },
    expectedLoss: expectedLoss ?? 0,
  };
}

function measureMessage(measure: Measure): MeasureMessage {
  const { kind } = measure;
  switch (kind) {
    case 'observe':
    case 'record':
    case 'isolate':
      return { kind, target: measure.host };
    case 'rate_limit':
      return { kind, target: measure.host, bytesPerSecond: measure.bytesPerSecond };
    case 'hold_pattern':
      return { kind, target: measure.host, edges: measure.edges.map(edgeMessage) };
    case 'block_edge':
      return { kind, edges: [edgeMessage(measure.edge)] };
    case 'block_external':
      return { kind, target: measure.address };
    case 'sinkhole':
      return { kind, target: measure.domain };
    case 'blackhole':
      return { kind, target: measure.victim };
    case 'limit_sources': {
      const { victim: target, protocol, port, packetsPerSecond } = measure;
      return { kind, target, protocol, port, packetsPerSecond };
    }
  }
}

function measureOf(message: MeasureMessage): Measure {
  const kind = among(KINDS, message.kind, 'measure');
  const target = message.target ?? '';
  const edges = (message.edges ?? []).map(edgeOf);
  if (kind === 'block_edge') {
    if (edges.length !== 1) throw malformed('a blocked edge');
    return { kind, edge: edges[0]! };
  }
  if (target === '') throw malformed('a measure');
  switch (kind) {
    case 'observe':
    case 'record':
    case 'isolate':
      return { kind, host: target };
    case 'rate_limit':
      return { kind, host: target, bytesPerSecond: message.bytesPerSecond ?? 0 };
    case 'hold_pattern':
      return { kind, host: target, edges };
    case 'block_external':
      return { kind, address: target };
    case 'sinkhole':
      return { kind, domain: target };
    case 'blackhole':
      return { kind, victim: target };
    case 'limit_sources':
      return {
        kind,
        victim: target,
        protocol: among(PROTOCOLS, message.protocol, 'protocol'),
        port: message.port ?? null,
        packetsPerSecond: message.packetsPerSecond ?? 0,
      };
  }
}

const edgeMessage = (edge: Edge): EdgeMessage => ({ ...edge });

function edgeOf({ from, to, protocol, port }: EdgeMessage): Edge {
  if (!from || !to) throw malformed('an edge');
  return { from, to, protocol: among(PROTOCOLS, protocol, 'protocol'), port: port ?? null };
}

function among<T extends string>(
  known: readonly T[],
  said: string | null | undefined,
  what: string,
): T {
  const found = known.find((one) => one === said);
  if (found === undefined) throw malformed(`the ${what} '${said ?? ''}'`);
  return found;
}

function seconds(value: number | null | undefined, what: string): number {
  if (typeof value === 'number' && value > 0 && value < 1e9) return value;
  throw malformed(`the ${what}`);
}

function malformed(what: string): ThymusError {
  const message = `The responder cannot read ${what}: run the same version of thymus on both sides.`;
  return new ThymusError('REFUSED', message);
}
