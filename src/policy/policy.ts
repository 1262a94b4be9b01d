import type { Proposal } from '../domain/action.js';
import type {
  AssetFacts,
  DecisionInputs,
  IncidentFacts,
  ResponsePolicy,
  ResponseState,
} from '../domain/decision.js';
import type { Incident } from '../domain/incident.js';
import { LANE_INDEX, LANES } from '../domain/lanes.js';
import { addressesOf, AllowList } from '../domain/measure.js';
import { LN_E_MOST } from '../models/e_value.js';
import { NormalTraffic } from '../models/normal_traffic.js';
import type { TrafficHistory } from '../models/traffic_history.js';
import { decide } from './decide.js';
import { optionsOf } from './options.js';

/** What a decision looks at, beside the incident. */
export interface PolicyView {
  readonly history: TrafficHistory;
  readonly state: ResponseState;
  /** How many proposals the incident has had. */
  readonly earlierProposals: number;
  /** Packet time of the evidence that decides, microseconds. */
  readonly nowUs: number;
  isInternal(address: string): boolean;
}

/** How incidents are answered. Pure: no clock, no memory but what it is given. */
export class Policy {
  readonly #policy: ResponsePolicy;
  readonly #allowed: AllowList;

  constructor(policy: ResponsePolicy) {
    this.#policy = policy;
    this.#allowed = new AllowList(policy.alwaysAllow);
  }

  /** @returns null when nothing but watching on is called for */
  decide(incident: Incident, view: PolicyView): Proposal | null {
    return decide(this.inputsOf(incident, view));
  }

  /** All that the decision depends on, as plain data. */
  inputsOf(incident: Incident, view: PolicyView): DecisionInputs {
    const { history, state, earlierProposals, nowUs } = view;
    const isInternal = (address: string): boolean => view.isInternal(address);
    const normal = new NormalTraffic(history, incident.firstSeenUs, isInternal);
    const options = optionsOf(incident, {
      normal,
      stations: history.stations,
      allowed: this.#allowed,
      isInternal,
    });
    const touched = options.flatMap(({ measure }) => addressesOf(measure));
    return {
      incident: factsOf(incident),
      options,
      assets: assetsOf([incident.entity.address, ...touched], view),
      deviceCount: history.size,
      policy: this.#policy,
      state,
      earlierProposals,
      nowUs,
    };
  }
}

function factsOf(incident: Incident): IncidentFacts {
  const { id, entity, summary, severity, stage, confidence, lnWealth, detectors } = incident;
  const families = new Set(detectors.map((lane) => LANES[LANE_INDEX[lane]]!.family));
  const hasHardFact = incident.evidence.some(
    ({ lane, lnE }) => LANES[LANE_INDEX[lane]]!.family === 'binding' && lnE >= LN_E_MOST,
  );
  return {
    id,
    entity,
    summary,
    severity,
    stage,
    confidence,
    lnWealth,
    detectors,
    families: [...families],
    hasHardFact,
  };
}

function assetsOf(addresses: readonly string[], view: PolicyView): readonly AssetFacts[] {
  const { history } = view;
  const mostCalled = history.topFanIn();
  const inside = [...new Set(addresses)].filter((address) => view.isInternal(address));
  return inside.map((address) => {
    const host = history.host(address);
    const called = mostCalled.has(address) ? 'among those that most others call' : null;
    const role = host === undefined || host.role === '' ? called : host.role;
    const slice = host === undefined || host.slice === NO_SLICE ? null : host.slice;
    return { address, role, slice };
  });
}

const NO_SLICE = 0xffff;
