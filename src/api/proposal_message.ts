import { AUTONOMY_MODES, type Candidate, type Proposal } from '../domain/action.js';
import { STAGES } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { thymus } from './gen/response.js';
import { among, malformed, measureMessage, measureOf } from './measure_message.js';

type ProposalMessage = thymus.v1.Proposal.$Properties;
type CandidateMessage = thymus.v1.Candidate.$Properties;

const MOST_ALTERNATIVES = 8;
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

function seconds(value: number | null | undefined, what: string): number {
  if (typeof value === 'number' && value > 0 && value < 1e9) return value;
  throw malformed(`the ${what}`);
}
