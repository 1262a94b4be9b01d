import type { Proposal } from './action.js';
import type { DecisionInputs, ResponseState } from './decision.js';

/**
 * Where proposals go: a responder, or a dry run. Calls are synchronous and never wait; what cannot
 * be delivered is counted by the other side.
 */
export interface ResponsePort {
  /** What the responder said last. Read before each decision, so that it must cost nothing. */
  readonly state: ResponseState;

  /** A new proposal. `inputs` are all that it was decided on: `decide(inputs)` gives it again. */
  propose(proposal: Proposal, inputs: DecisionInputs): void;

  /** Its incident has new evidence: what is in force of it, or waits, may stay for longer. */
  renew(renewal: Renewal): void;

  /** Nothing may be done to these from now on: what waits or is in force is taken back. */
  allowAlways(prefixesAndNames: readonly string[]): void;

  /** What became of traffic since the last report, about each proposal that is in force. */
  report(figures: readonly EffectFigures[]): void;

  /** The engine's clock has come to this moment; about once a tick. */
  onTick(nowUs: number): void;
}

export interface Renewal {
  readonly proposal: string;
  readonly incident: string;
  /** From now on: 10 minutes, doubled with each renewal, at most 4 hours. */
  readonly ttlSeconds: number;
  /** Packet time of the newest evidence, microseconds. */
  readonly evidenceUs: number;
}

/** What a measure does, seen in records: the attack should fall, normal traffic should not. */
export interface EffectFigures {
  readonly proposal: string;
  readonly fromUs: number;
  readonly untilUs: number;
  /**
   * What the attack still does. Of a measure that drops traffic: flows that it should have stopped,
   * begun after it, and that were answered all the same, since a tap in front of the place where
   * they are dropped goes on seeing attempts. Of others: pieces of evidence that its incident got.
   */
  readonly evidence: number;
  /** Flows on normal edges of the hosts that it touches, without those that it means to block. */
  readonly normalFlows: number;
  /** Of them those that were answered. */
  readonly normalAnswered: number;
  /** The same share before the measure, 0 to 1; null when it is not known. */
  readonly usualAnsweredShare: number | null;
}
