import type { IncidentChange, RecordSink, SinkMemory } from '../batch/record_sink.js';
import type { EventRowView, FlowRowView } from '../batch/generated/record_layout.js';
import { AddressSet } from '../domain/address_set.js';
import type { ResponsePolicy } from '../domain/decision.js';
import type { Incident } from '../domain/incident.js';
import type { ResponsePort } from '../domain/response_port.js';
import { tickOf } from '../domain/tick.js';
import { isAnsweredFlow, TrafficHistory } from '../models/traffic_history.js';
import { decide } from '../policy/decide.js';
import { Policy } from '../policy/policy.js';
import { EffectMeter } from './effect_meter.js';
import { NetworkRoles } from './network_roles.js';
import { Renewals } from './renewals.js';

/** An incident takes in what happens within so long; until then its hosts teach nothing. */
const INCIDENT_US = 6 * 3600e6;
/** More is for people to look at: an incident that asks for so much is no longer one thing. */
const PROPOSALS_MOST = 8;
const CASES_MOST = 2048;

export interface ResponseSinkOptions {
  readonly policy: ResponsePolicy;
  readonly homeNet: readonly string[];
  readonly port: ResponsePort;
  /** First part of RUN/INCIDENT; null where the run is not kept. */
  readonly runId: string | null;
}

/** What has been said about one incident. */
interface Case {
  proposals: number;
  evidence: number;
}

/**
 * Answers incidents: learns from published flows what is normal, asks the policy what should be done
 * when an incident opens or grows, and gives proposals to a port. It changes nothing itself.
 */
export class ResponseSink implements RecordSink {
  readonly wantsFlows = true;
  readonly wantsEvents = true;
  readonly wantsGrowth = true;
  readonly memory: SinkMemory;
  readonly #port: ResponsePort;
  readonly #runId: string | null;
  readonly #home: AddressSet;
  readonly #history = new TrafficHistory();
  readonly #roles = new NetworkRoles(this.#history);
  readonly #effects = new EffectMeter(this.#history);
  readonly #renewals = new Renewals();
  readonly #cases = new Map<string, Case>();
  #policy: Policy;
  #tick = -Infinity;
  /** Proposals that incidents would have had beyond their number. */
  proposalRefusals = 0;

  constructor({ policy, homeNet, port, runId }: ResponseSinkOptions) {
    this.#policy = new Policy(policy);
    this.#home = new AddressSet(homeNet);
    this.#port = port;
    this.#runId = runId;
    const history = this.#history;
    this.memory = {
      name: 'traffic_history',
      save: (out) => history.save(out),
      restore: (from) => history.restore(from),
    };
    port.allowAlways(policy.alwaysAllow);
  }

  /** From now on, also for what waits or is in force. */
  setPolicy(policy: ResponsePolicy): void {
    this.#policy = new Policy(policy);
    this.#port.allowAlways(policy.alwaysAllow);
  }

  onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#passTime(row.timeUs);
    this.#effects.onFlow(row, isAnsweredFlow(row));
    this.#history.onFlow(row, detail);
  }

  onEvent(row: EventRowView, body: Uint8Array): void {
    this.#roles.onEvent(row, body);
  }

  onIncident(incident: Incident, change: IncidentChange): void {
    if (change === 'final') this.#cases.delete(incident.id);
    else this.#answer(incident);
  }

  onCaptureError(): void {}

  onSummary(): void {}

  pressure(): null {
    return null;
  }

  async end(): Promise<void> {}

  #answer(incident: Incident): void {
    const id = this.#runId === null ? incident.id : `${this.#runId}/${incident.id}`;
    const nowUs = Math.max(incident.openedUs, incident.lastSeenUs);
    const known = this.#caseOf(incident.id);
    const more = incident.evidenceCount - known.evidence;
    known.evidence = incident.evidenceCount;
    this.#effects.onEvidence(id, more);
    const inputs = this.#policy.inputsOf(
      { ...incident, id },
      {
        history: this.#history,
        state: this.#port.state,
        earlierProposals: known.proposals,
        nowUs,
        isInternal: (address) => this.#home.has(address),
      },
    );
    // Only now: what it did before is what is normal of it.
    for (const { entity } of incident.evidence) {
      this.#history.suspect(entity.key, nowUs + INCIDENT_US);
    }
    if (more > 0) this.#renew(id, nowUs);
    const proposal = decide(inputs);
    if (proposal === null) return;
    if (known.proposals >= PROPOSALS_MOST) {
      this.proposalRefusals++;
      return;
    }
    known.proposals++;
    this.#port.propose(proposal, inputs);
  }

  #caseOf(id: string): Case {
    const known = this.#cases.get(id);
    if (known !== undefined) return known;
    if (this.#cases.size >= CASES_MOST) this.#cases.delete(this.#cases.keys().next().value!);
    const made = { proposals: 0, evidence: 0 };
    this.#cases.set(id, made);
    return made;
  }

  #renew(incident: string, nowUs: number): void {
    this.#renewals.follow(this.#port.state.measures, nowUs);
    for (const renewal of this.#renewals.onEvidence(incident, nowUs)) this.#port.renew(renewal);
  }

  #passTime(nowUs: number): void {
    const tick = tickOf(nowUs);
    if (tick <= this.#tick) return;
    this.#tick = tick;
    this.#port.onTick(nowUs);
    const figures = this.#effects.take(nowUs);
    if (figures.length > 0) this.#port.report(figures);
    const { measures } = this.#port.state;
    this.#effects.follow(measures, nowUs);
    this.#renewals.follow(measures, nowUs);
  }
}
