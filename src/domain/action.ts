import type { EntityRef } from './entity.js';
import type { Stage } from './evidence.js';
import type { Severity } from './incident.js';
import type { LaneId } from './lanes.js';

/** One service of one host as others call it. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  /** Port of the responder; null: all of them, or a protocol that has none. */
  readonly port: number | null;
}

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'any';

/**
 * What can be done, the least harmful first. One row per kind is the single source of the order,
 * the words and the properties that gates ask for.
 */
export const LADDER = [
  { kind: 'observe', title: 'observe', changesTraffic: false },
  { kind: 'record', title: 'keep its packets', changesTraffic: false },
  { kind: 'limit_sources', title: 'limit each source at the victim', changesTraffic: true },
  { kind: 'rate_limit', title: 'limit its rate', changesTraffic: true },
  { kind: 'block_edge', title: 'block one service', changesTraffic: true },
  { kind: 'sinkhole', title: 'sinkhole a name', changesTraffic: true },
  { kind: 'block_external', title: 'block an outside address', changesTraffic: true },
  { kind: 'hold_pattern', title: 'hold to its pattern of life', changesTraffic: true },
  { kind: 'blackhole', title: 'give up the victim address upstream', changesTraffic: true },
  { kind: 'isolate', title: 'isolate', changesTraffic: true },
] as const;
export type ActionKind = (typeof LADDER)[number]['kind'];

/** What exactly is to be enforced. Addresses are canonical texts; rates are those of payload and headers. */
export type Measure =
  | { readonly kind: 'observe'; readonly host: string }
  | { readonly kind: 'record'; readonly host: string }
  | {
      readonly kind: 'limit_sources';
      readonly victim: string;
      readonly protocol: Protocol;
      readonly port: number | null;
      /** Of each source, on its own; TCP counts SYN only. */
      readonly packetsPerSecond: number;
    }
  | { readonly kind: 'rate_limit'; readonly host: string; readonly bytesPerSecond: number }
  | { readonly kind: 'block_edge'; readonly edge: Edge }
  | { readonly kind: 'sinkhole'; readonly domain: string }
  | { readonly kind: 'block_external'; readonly address: string }
  | { readonly kind: 'hold_pattern'; readonly host: string; readonly edges: readonly Edge[] }
  | { readonly kind: 'blackhole'; readonly victim: string }
  | { readonly kind: 'isolate'; readonly host: string };

/** What a measure would take from normal traffic, by the history of flows before the incident. */
export interface Impact {
  /** Share of the host's normal bytes, 0 to 1. */
  readonly bytesShare: number;
  /** Share of the host's normal flows, 0 to 1. */
  readonly flowsShare: number;
  /** Share of the normal bytes of all devices together, 0 to 1. */
  readonly fleetShare: number;
  /** Devices whose normal edges it would touch. */
  readonly devices: number;
  /** How long the history behind it is, seconds; 0: nothing is known, the shares are 1. */
  readonly historySeconds: number;
}

/** One way to answer an incident, with what it would cost. */
export interface Candidate {
  readonly measure: Measure;
  readonly impact: Impact;
  /** J of science: expected loss with this measure taken, in units of an asset value's minute. */
  readonly expectedLoss: number;
}

/** One condition of acting without a person. */
export interface Gate {
  readonly name: string;
  readonly passed: boolean;
  /** One sentence with the figures. */
  readonly reason: string;
}

export const AUTONOMY_MODES = ['observe', 'recommend', 'guarded', 'auto'] as const;
export type AutonomyMode = (typeof AUTONOMY_MODES)[number];

/** How an incident should be answered: all that is needed to decide, and to explain it afterwards. */
export interface Proposal {
  /** Unique: incident and a number that counts up when the incident asks for more. */
  readonly id: string;
  /** RUN/INCIDENT, or INCIDENT where no run is stored. */
  readonly incident: string;
  readonly entity: EntityRef;
  readonly summary: string;
  readonly severity: Severity;
  readonly stage: Stage;
  readonly confidence: number;
  readonly lnWealth: number;
  readonly detectors: readonly LaneId[];
  readonly mode: AutonomyMode;
  readonly chosen: Candidate;
  /** Others that would help, best first, at most 8. */
  readonly alternatives: readonly Candidate[];
  readonly gates: readonly Gate[];
  /** True when every gate is passed and the mode allows it: it is applied at once. */
  readonly unattended: boolean;
  /** People who have to agree where it is not unattended; 2 and more for high impact. */
  readonly approvalsNeeded: number;
  /** Seconds until the default is taken when nobody answers. */
  readonly deadlineSeconds: number;
  readonly onDeadline: 'reject' | 'approve';
  readonly ttlSeconds: number;
  /** Packet time of the evidence that decided, microseconds. */
  readonly decidedUs: number;
}

/** Where an action is in its life. Each change is journalled before what it says is done. */
export type ActionState =
  'pending' | 'rejected' | 'applying' | 'active' | 'failed' | 'undoing' | 'expired' | 'rolled_back';
