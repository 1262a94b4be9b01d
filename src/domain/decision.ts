import type { ActionState, AutonomyMode, Impact, Measure } from './action.js';
import type { EntityRef } from './entity.js';
import type { Stage } from './evidence.js';
import type { Severity } from './incident.js';
import type { Lane, LaneId } from './lanes.js';

/** What operators allow, and who is spared. Plain data: it is kept with each decision. */
export interface ResponsePolicy {
  /** Where no zone says otherwise. */
  readonly mode: AutonomyMode;
  /** The longest prefix that holds the host wins; a slice wins over prefixes. */
  readonly zones: readonly Zone[];
  /** Address prefixes on which nothing is done without a person. */
  readonly protectedHosts: readonly string[];
  /** Address prefixes and domain names that nothing is ever done to. */
  readonly alwaysAllow: readonly string[];
  readonly gates: GateLimits;
  /** People who have to agree where the impact is high, or the host is protected. */
  readonly approvalsForHighImpact: number;
  /** Seconds until a proposal that nobody answered is settled as `onDeadline` says. */
  readonly deadlineSeconds: number;
  readonly onDeadline: 'reject' | 'approve';
}

export interface Zone {
  /** An address prefix, or `slice:N`. */
  readonly where: string;
  readonly mode: AutonomyMode;
}

/** What an unattended action has to keep to. */
export interface GateLimits {
  /** Least posterior probability that the incident is real. */
  readonly confidenceLeast: number;
  /** Most share of a host's normal traffic, times its criticality. */
  readonly impactMost: number;
  /** Most share of all devices' normal bytes that is blocked within an hour. */
  readonly fleetShareMost: number;
  /** Most share of devices that is acted on within an hour; one is always allowed. */
  readonly deviceShareMost: number;
  /** Least seconds of history behind an impact. */
  readonly historySecondsLeast: number;
}

/** The part of an incident that decides. */
export interface IncidentFacts {
  readonly id: string;
  readonly entity: EntityRef;
  readonly summary: string;
  readonly severity: Severity;
  readonly stage: Stage;
  readonly confidence: number;
  readonly lnWealth: number;
  readonly detectors: readonly LaneId[];
  /** Families of evidence with enough of it, independent by their input. */
  readonly families: readonly Lane['family'][];
  /** A fact that is near certain by itself: a gateway's address that moved, a declared policy broken. */
  readonly hasHardFact: boolean;
}

/** One thing that could be done, before it is weighed. */
export interface ResponseOption {
  readonly measure: Measure;
  readonly impact: Impact;
  /** Probability that it stops the attack. */
  readonly efficacy: number;
  /** Every source that it acts on has shown that it gets what is sent to its address. */
  readonly proven: boolean;
}

/** What is known of a host that a measure would touch. */
export interface AssetFacts {
  readonly address: string;
  /** Why it is critical, in plain words; null: it is not. */
  readonly role: string | null;
  readonly slice: number | null;
}

/** A measure that was proposed, and where it stands. */
export interface MeasureStatus {
  readonly proposal: string;
  readonly incident: string;
  readonly measure: Measure;
  readonly state: ActionState;
  /** True where people were asked about it, since some gate was not passed. */
  readonly isAsked?: boolean;
}

/** What the responder knows and decisions need. */
export interface ResponseState {
  /** No decision goes beyond this mode: `observe` after a panic; null: no bound. */
  readonly modeMost: AutonomyMode | null;
  /** Those that wait or are in force, and those of open incidents that were settled. */
  readonly measures: readonly MeasureStatus[];
  readonly ledger: HourLedger;
}

/** What was done in the last hour, whether it is still in force or not. */
export interface HourLedger {
  /** Sum of `Impact.fleetShare` of all actions that were in force at some time of the hour. */
  readonly fleetShare: number;
  /** Internal addresses that they acted on, each once. */
  readonly devices: readonly string[];
}

export const NO_RESPONSE_STATE: ResponseState = {
  modeMost: null,
  measures: [],
  ledger: { fleetShare: 0, devices: [] },
};

/**
 * All that a decision depends on, as plain data: what the decision log keeps, and what the same
 * decision comes of again.
 */
export interface DecisionInputs {
  readonly incident: IncidentFacts;
  readonly options: readonly ResponseOption[];
  /** Of the hosts that options touch. */
  readonly assets: readonly AssetFacts[];
  /** Devices that are known. */
  readonly deviceCount: number;
  readonly policy: ResponsePolicy;
  readonly state: ResponseState;
  /** How many proposals the incident has had. */
  readonly earlierProposals: number;
  /** Packet time of the evidence that decides, microseconds. */
  readonly nowUs: number;
}
