import type { EntityRef } from './entity.js';
import type { Evidence, Stage } from './evidence.js';
import type { LaneId } from './lanes.js';
import { compareOrder, type Order } from './order.js';

/** What a shard says when an entity's fused wealth reaches the budget's threshold, and after. */
export interface Alarm {
  readonly entity: EntityRef;
  /**
   * `open` when the threshold is reached, `update` at most once a tick while evidence keeps coming,
   * `closed` after a quiet time. A closed one says nothing that an earlier one did not.
   */
  readonly state: 'open' | 'update' | 'closed';
  /** What the entity did, in words that follow its name: "tried 243 addresses on port 445". */
  readonly headline: string;
  readonly order: Order;
  readonly timeUs: number;
  /** ln M: fused wealth in nats. */
  readonly lnWealth: number;
  /** Ticks since the winning lane last touched its start; removes the head start from confidence. */
  readonly ticksRunning: number;
  /**
   * Live: share of what there was to see in the minute before that was not seen, 0 to 1; 0 where it
   * is not said.
   */
  readonly loss?: number;
  /** Share of each lane in the wealth, largest first. */
  readonly lanes: readonly { readonly lane: LaneId; readonly lnWealth: number }[];
  /** The evidence kept for the entity, in time order, at most 64. */
  readonly evidence: readonly Evidence[];
  /** How many pieces of evidence there were in all. */
  readonly evidenceCount: number;
}

/**
 * The total order of alarms over all shards. Copies of one record may raise alarms about several
 * entities at the same moment, hence the key; an entity has at most one alarm a moment.
 */
export function compareAlarms(a: Alarm, b: Alarm): number {
  return compareOrder(a.order, b.order) || a.entity.key - b.entity.key;
}

export type Severity = 'low' | 'medium' | 'high' | 'critical';

/** Connected, alarmed entities with a stage, a severity and a confidence. */
export interface Incident {
  /** Second part of the RUN/INCIDENT id: position in the run, from 1. */
  readonly id: string;
  readonly entity: EntityRef;
  /** Other entities that the incident connects: victims, peers. */
  readonly others: readonly string[];
  readonly severity: Severity;
  /** Posterior probability that it is real, 0 to 1, times the share of the traffic that was seen. */
  readonly confidence: number;
  /** Share of the traffic that was not seen when it was opened or grew, 0 to 1. */
  readonly loss: number;
  readonly lnWealth: number;
  readonly stage: Stage;
  readonly detectors: readonly LaneId[];
  readonly attack: readonly string[];
  readonly firstSeenUs: number;
  readonly lastSeenUs: number;
  /** Packet time at which it was opened: when a live run would have said so. */
  readonly openedUs: number;
  readonly order: Order;
  /** What happened, in one plain sentence. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly evidenceCount: number;
}
