import {
  LADDER,
  type Candidate,
  type Gate,
  type Measure,
  type Proposal,
} from '../domain/action.js';
import type { DecisionInputs, MeasureStatus, ResponseOption } from '../domain/decision.js';
import { AllowList, measureText } from '../domain/measure.js';
import { STAGE_WEIGHT } from '../domain/stakes.js';
import { ANNOYANCE } from './efficacy.js';
import { changesTraffic, GateKeeper, shareOf } from './gates.js';

/** Life of an action without new evidence: ten minutes. */
export const TTL_SECONDS = 600;
const TTL_MINUTES = TTL_SECONDS / 60;
/**
 * An intruder costs so many times what the asset's outage would cost in the same time, at the weight
 * of its stage: it goes on to others, and what it took does not come back.
 */
const LOSS_FACTOR = 10;
const ALTERNATIVES_MOST = 8;
/** People chose otherwise, or it did not work: it is not proposed again. */
const SETTLED = ['rejected', 'rolled_back', 'failed'] as const;
const IN_FORCE = ['applying', 'active'] as const;
const WAITING = ['pending'] as const;
const isAsked = (one: MeasureStatus): boolean => one.isAsked === true;

interface Weighed {
  readonly option: ResponseOption;
  readonly candidate: Candidate;
  readonly gates: readonly Gate[];
  readonly isAdmitted: boolean;
}

/**
 * Chooses the measure with the least expected loss (science 9.2):
 *
 *     J = confidence * loss at this stage * (1 - efficacy) + impact * service + annoyance
 *
 * Where some measure passes every gate, the best of these is taken without a person; else the best
 * of all is proposed to one. Pure: the same inputs give the same proposal.
 * @returns null when watching on is best, or when what is best is under way already
 */
export function decide(inputs: DecisionInputs): Proposal | null {
  const keeper = new GateKeeper(inputs);
  const weighed = weigh(inputs, keeper);
  const chosen = choose(inputs, weighed);
  if (chosen === null || keeper.modeFor(chosen.option.measure) === 'observe') return null;
  return proposalOf(inputs, keeper, { chosen, weighed });
}

function choose(inputs: DecisionInputs, weighed: readonly Weighed[]): Weighed | null {
  const lossOf = (isMeant: (one: Weighed) => boolean): number =>
    Math.min(...weighed.filter(isMeant).map(({ candidate }) => candidate.expectedLoss));
  const inForce = textsOf(inputs, IN_FORCE);
  const waiting = textsOf(inputs, WAITING);
  const asked = textsOf(inputs, WAITING, isAsked);
  const has = (texts: ReadonlySet<string>, { option }: Weighed): boolean =>
    texts.has(measureText(option.measure));
  // What is there already, or costs nothing, has to be bettered.
  const toBeat = lossOf((one) => one.option.measure.kind === 'observe' || has(inForce, one));
  const better = weighed.filter(
    (one) =>
      one.candidate.expectedLoss < toBeat &&
      one.option.measure.kind !== 'observe' &&
      !has(inForce, one),
  );
  // Nobody is waited for any longer once every gate is passed.
  const admitted = better.find((one) => one.isAdmitted && (!has(waiting, one) || has(asked, one)));
  if (admitted !== undefined && changesTraffic(admitted.option.measure)) return admitted;
  const best = better.find((one) => !has(waiting, one));
  const waitedFor = lossOf((one) => has(waiting, one));
  return best !== undefined && best.candidate.expectedLoss < waitedFor ? best : null;
}

/** All options that may be taken, the best first; ties go to the lower step of the ladder. */
function weigh(inputs: DecisionInputs, keeper: GateKeeper): readonly Weighed[] {
  const settled = textsOf(inputs, SETTLED);
  const allowed = new AllowList(inputs.policy.alwaysAllow);
  const weighed = inputs.options
    .filter(({ measure }) => !settled.has(measureText(measure)) && !allowed.forbids(measure))
    .map((option): Weighed => {
      const { measure, impact } = option;
      const gates = keeper.gatesOf(option);
      const expectedLoss = expectedLossOf(option, inputs, keeper.criticalityOf(measure));
      const isAdmitted = gates.every(({ passed }) => passed);
      return { option, candidate: { measure, impact, expectedLoss }, gates, isAdmitted };
    });
  return weighed.sort(
    (a, b) =>
      a.candidate.expectedLoss - b.candidate.expectedLoss ||
      stepOf(a.option.measure) - stepOf(b.option.measure) ||
      (measureText(a.option.measure) < measureText(b.option.measure) ? -1 : 1),
  );
}

/** J, in minutes of an asset's value, over the life of an action. */
export function expectedLossOf(
  { measure, impact, efficacy }: ResponseOption,
  { incident }: DecisionInputs,
  criticality: number,
): number {
  const threat = LOSS_FACTOR * STAGE_WEIGHT[incident.stage] * TTL_MINUTES;
  const remaining = incident.confidence * threat * (1 - efficacy);
  const service = changesTraffic(measure) ? shareOf(impact) * criticality * TTL_MINUTES : 0;
  return remaining + service + ANNOYANCE[measure.kind];
}

function proposalOf(
  inputs: DecisionInputs,
  keeper: GateKeeper,
  { chosen, weighed }: { readonly chosen: Weighed; readonly weighed: readonly Weighed[] },
): Proposal {
  const { incident, policy } = inputs;
  const { measure } = chosen.option;
  const others = weighed.filter(({ option }) => option !== chosen.option && option.efficacy > 0);
  return {
    id: `${incident.id}.${inputs.earlierProposals + 1}`,
    incident: incident.id,
    entity: incident.entity,
    summary: incident.summary,
    severity: incident.severity,
    stage: incident.stage,
    confidence: incident.confidence,
    lnWealth: incident.lnWealth,
    detectors: incident.detectors,
    mode: keeper.modeFor(measure),
    chosen: chosen.candidate,
    alternatives: others.slice(0, ALTERNATIVES_MOST).map(({ candidate }) => candidate),
    gates: chosen.gates,
    unattended: chosen.isAdmitted,
    approvalsNeeded: chosen.isAdmitted ? 0 : approvalsFor(chosen, inputs, keeper),
    deadlineSeconds: policy.deadlineSeconds,
    onDeadline: policy.onDeadline,
    ttlSeconds: TTL_SECONDS,
    decidedUs: inputs.nowUs,
  };
}

/** More than one where much of somebody's normal traffic, or something critical, is at stake. */
function approvalsFor(
  { option, gates }: Weighed,
  { policy }: DecisionInputs,
  keeper: GateKeeper,
): number {
  const weighedImpact = shareOf(option.impact) * keeper.criticalityOf(option.measure);
  const failed = (name: string): boolean => gates.some((one) => one.name === name && !one.passed);
  const isHigh = weighedImpact > policy.gates.impactMost || failed('fleet') || failed('protected');
  return isHigh ? policy.approvalsForHighImpact : 1;
}

function textsOf(
  { state, incident }: DecisionInputs,
  states: readonly string[],
  isMeant: (one: MeasureStatus) => boolean = () => true,
): ReadonlySet<string> {
  const own = state.measures.filter((one) => one.incident === incident.id && isMeant(one));
  return new Set(
    own.filter((one) => states.includes(one.state)).map((o) => measureText(o.measure)),
  );
}

const stepOf = ({ kind }: Measure): number => LADDER.findIndex((row) => row.kind === kind);
