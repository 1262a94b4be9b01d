import { AUTONOMY_MODES, type ActionState, type Proposal } from '../domain/action.js';
import type { ActionRecord, DeskState, Holder, Vote } from '../domain/action_record.js';
import { remainingMs, type Moment } from '../domain/moment.js';
import type { thymus } from './gen/response.js';
import { proposalMessage, proposalOf } from './proposal_message.js';

/** An action as people and engines are told of it. */
export interface ActionNews {
  readonly id: string;
  readonly state: ActionState;
  readonly reason: string;
  readonly proposal: Proposal;
  /** Wall time, milliseconds since 1970. */
  readonly openedMs: number;
  readonly sinceMs: number;
  readonly answerInMs: number | null;
  readonly expiresInMs: number | null;
  readonly votes: readonly Vote[];
  readonly approvalsNeeded: number;
  readonly holders: readonly Holder[];
}

export function newsOf(record: ActionRecord, proposal: Proposal, now: Moment): ActionNews {
  const { id, state, reason, votes, approvalsNeeded, holders } = record;
  const isPending = state === 'pending';
  const isInForce = state === 'applying' || state === 'active' || state === 'undoing';
  return {
    id,
    state,
    reason,
    proposal,
    openedMs: record.opened.wallMs,
    sinceMs: record.since.wallMs,
    answerInMs: isPending && record.answerBy !== null ? remainingMs(record.answerBy, now) : null,
    expiresInMs: isInForce && record.expires !== null ? remainingMs(record.expires, now) : null,
    votes,
    approvalsNeeded,
    holders,
  };
}

export function actionMessage(news: ActionNews): thymus.v1.Action.$Properties {
  return {
    ...news,
    proposal: proposalMessage(news.proposal, ''),
    votes: [...news.votes],
    holders: [...news.holders],
  };
}

/** What a responder has sent of an action. */
export function actionOf(message: thymus.v1.Action.$Properties): ActionNews {
  return {
    id: message.id ?? '',
    state: message.state as ActionState,
    reason: message.reason ?? '',
    proposal: proposalOf(message.proposal ?? {}),
    openedMs: message.openedMs ?? 0,
    sinceMs: message.sinceMs ?? 0,
    answerInMs: message.answerInMs ?? null,
    expiresInMs: message.expiresInMs ?? null,
    votes: (message.votes ?? []).map(({ by, says, atMs }) => ({
      by: by ?? '',
      says: says === 'approve' ? 'approve' : 'reject',
      atMs: atMs ?? 0,
    })),
    approvalsNeeded: message.approvalsNeeded ?? 0,
    holders: (message.holders ?? []).map(({ actuator, state, failures, reason }) => ({
      actuator: actuator ?? '',
      state: state as Holder['state'],
      failures: failures ?? 0,
      reason: reason ?? '',
    })),
  };
}

export function deskMessage(desk: DeskState): thymus.v1.Desk.$Properties {
  return {
    mode: desk.mode,
    haltedBy: desk.halt?.by ?? '',
    haltedMs: desk.halt?.atMs ?? 0,
    fleetShare: desk.ledger.fleetShare,
    devices: [...desk.ledger.devices],
    allow: [...desk.allow],
    actuators: [...desk.actuators],
    differences: [...desk.differences],
  };
}

export function deskOf(message: thymus.v1.Desk.$Properties): DeskState {
  const { haltedBy: by, haltedMs } = message;
  return {
    mode: AUTONOMY_MODES.find((one) => one === message.mode) ?? 'observe',
    halt: by ? { by, atMs: haltedMs ?? 0 } : null,
    ledger: { fleetShare: message.fleetShare ?? 0, devices: message.devices ?? [] },
    allow: message.allow ?? [],
    actuators: message.actuators ?? [],
    differences: message.differences ?? [],
  };
}
