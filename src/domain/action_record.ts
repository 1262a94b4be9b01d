import type { ActionState, AutonomyMode } from './action.js';
import type { HourLedger } from './decision.js';
import type { Deadline, Moment } from './moment.js';

/** How an action ends that has begun to change something. */
export type Ending = 'expired' | 'rolled_back' | 'failed';

/** What one actuator has to do with an action. It is written down before the actuator is called. */
export interface Holder {
  readonly actuator: string;
  readonly state: 'applying' | 'applied' | 'undoing' | 'undone';
  /** Calls that failed since it came into its state. */
  readonly failures: number;
  /** Of the last failure; empty when there was none. */
  readonly reason: string;
}

/** What one person has said. */
export interface Vote {
  readonly by: string;
  readonly says: 'approve' | 'reject';
  readonly atMs: number;
}

/** An action as the journal keeps it; what was proposed is beside it, under the same id. */
export interface ActionRecord {
  readonly id: string;
  readonly state: ActionState;
  readonly since: Moment;
  /** One sentence: why it is in this state. */
  readonly reason: string;
  readonly opened: Moment;
  /** When the default is taken; null where nobody is asked. */
  readonly answerBy: Deadline | null;
  /** When it was first applied or tried; null before. */
  readonly began: Moment | null;
  /** When it has to be gone; null before it is applied. */
  readonly expires: Deadline | null;
  /** Until when applying is tried. */
  readonly applyBy: Deadline | null;
  /** Set as soon as it is clear that it ends. */
  readonly ending: Ending | null;
  readonly votes: readonly Vote[];
  readonly approvalsNeeded: number;
  readonly holders: readonly Holder[];
  /** Packet time of the last evidence that asked for it, microseconds. */
  readonly evidenceUs: number;
}

/** Somebody has called everything off: nothing is applied until it is lifted. */
export interface Halt {
  readonly by: string;
  readonly atMs: number;
}

/** How the responder stands, beside its actions. */
export interface DeskState {
  readonly mode: AutonomyMode;
  readonly halt: Halt | null;
  readonly ledger: HourLedger;
  /** Addresses, prefixes and names that are never acted on. */
  readonly allow: readonly string[];
  /** Actuators by name. */
  readonly actuators: readonly string[];
  /** One sentence for each difference between the journal and the world that was found. */
  readonly differences: readonly string[];
}

const LIVE: ReadonlySet<ActionState> = new Set(['applying', 'active', 'undoing']);

/** True while it does something to the world, or may. */
export const isLive = (record: ActionRecord): boolean => LIVE.has(record.state);

/** True while it can still change its state. */
export const isOpen = (record: ActionRecord): boolean => isOpenState(record.state);

/** True of states that others follow. */
export const isOpenState = (state: ActionState): boolean => state === 'pending' || LIVE.has(state);
