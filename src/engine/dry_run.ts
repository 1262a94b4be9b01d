import type { ActionState, Proposal } from '../domain/action.js';
import {
  NO_RESPONSE_STATE,
  type DecisionInputs,
  type HourLedger,
  type ResponseState,
} from '../domain/decision.js';
import { addressesOf, AllowList, measureText } from '../domain/measure.js';
import type { Renewal, ResponsePort } from '../domain/response_port.js';

const HOUR_US = 3600e6;
const PROPOSALS_MOST = 4096;

interface Entry {
  readonly proposal: Proposal;
  readonly devices: readonly string[];
  state: ActionState;
  /** Until when it waits or is in force, microseconds of packet time. */
  untilUs: number;
  renewals: number;
}

/** A proposal of a dry run, and what would have become of it. */
export interface DryProposal {
  readonly proposal: Proposal;
  readonly renewals: number;
}

/**
 * A responder that does nothing: everything that needs nobody counts as done at once, what needs
 * people waits for its deadline, both in packet time. Keeps what was proposed, for reports.
 */
export class DryRun implements ResponsePort {
  readonly #entries: Entry[] = [];
  #state: ResponseState = NO_RESPONSE_STATE;
  #nowUs = 0;
  /** Left out because there were too many. */
  refusals = 0;

  get state(): ResponseState {
    return this.#state;
  }

  /** What would have been proposed about an incident, in order. */
  proposalsOf(incident: string): readonly DryProposal[] {
    return this.#entries.filter(({ proposal }) => proposal.incident === incident);
  }

  propose(proposal: Proposal, inputs: DecisionInputs): void {
    if (this.#entries.length >= PROPOSALS_MOST) {
      this.refusals++;
      return;
    }
    const seconds = proposal.unattended ? proposal.ttlSeconds : proposal.deadlineSeconds;
    if (proposal.unattended) this.#stopAsking(proposal);
    const inside = new Set(inputs.assets.map(({ address }) => address));
    this.#entries.push({
      proposal,
      devices: addressesOf(proposal.chosen.measure).filter((address) => inside.has(address)),
      state: proposal.unattended ? 'active' : 'pending',
      untilUs: proposal.decidedUs + seconds * 1e6,
      renewals: 0,
    });
    this.#settle(proposal.decidedUs);
  }

  renew({ proposal, ttlSeconds, evidenceUs }: Renewal): void {
    const entry = this.#entries.find((one) => one.proposal.id === proposal);
    if (entry?.state !== 'active') return;
    entry.untilUs = evidenceUs + ttlSeconds * 1e6;
    entry.renewals++;
  }

  allowAlways(prefixesAndNames: readonly string[]): void {
    const allowed = new AllowList(prefixesAndNames);
    for (const entry of this.#entries) {
      const isOpen = entry.state === 'pending' || entry.state === 'active';
      if (isOpen && allowed.forbids(entry.proposal.chosen.measure)) entry.state = 'rolled_back';
    }
    this.#settle(this.#nowUs);
  }

  report(): void {}

  onTick(nowUs: number): void {
    if (this.#entries.length > 0) this.#settle(nowUs);
  }

  #settle(nowUs: number): void {
    this.#nowUs = Math.max(this.#nowUs, nowUs);
    for (const entry of this.#entries) {
      if (entry.untilUs > this.#nowUs) continue;
      if (entry.state === 'active') entry.state = 'expired';
      if (entry.state === 'pending') this.#closeWaiting(entry);
    }
    this.#state = {
      modeMost: null,
      measures: this.#entries.map(({ proposal, state }) => ({
        proposal: proposal.id,
        incident: proposal.incident,
        measure: proposal.chosen.measure,
        state,
        isAsked: !proposal.unattended,
      })),
      ledger: this.#ledger(),
    };
  }

  /** As the responder does. */
  #stopAsking({ incident, chosen }: Proposal): void {
    const measure = measureText(chosen.measure);
    for (const entry of this.#entries) {
      const { proposal, state } = entry;
      if (state !== 'pending' || proposal.incident !== incident) continue;
      if (measureText(proposal.chosen.measure) === measure) entry.state = 'expired';
    }
  }

  #closeWaiting(entry: Entry): void {
    const { onDeadline, ttlSeconds } = entry.proposal;
    entry.state = onDeadline === 'approve' ? 'active' : 'rejected';
    if (onDeadline === 'approve') entry.untilUs += ttlSeconds * 1e6;
  }

  #ledger(): HourLedger {
    const recent = this.#entries.filter(
      ({ state, untilUs }) =>
        state === 'active' || (state === 'expired' && untilUs > this.#nowUs - HOUR_US),
    );
    return {
      fleetShare: recent.reduce((sum, { proposal }) => sum + proposal.chosen.impact.fleetShare, 0),
      devices: [...new Set(recent.flatMap(({ devices }) => devices))],
    };
  }
}
