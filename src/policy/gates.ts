import {
  LADDER,
  type AutonomyMode,
  type Gate,
  type Impact,
  type Measure,
} from '../domain/action.js';
import { AddressSet } from '../domain/address_set.js';
import type { AssetFacts, DecisionInputs, ResponseOption, Zone } from '../domain/decision.js';
import { addressesOf } from '../domain/measure.js';

/** What is critical counts so many times where impact is weighed. */
const CRITICALITY = 5;
/** Unattended in guarded mode; and what one family of evidence is enough for at the victim. */
const LOW_IMPACT_MOST = 0.05;
/** Longest prefix that there is, and above: a slice is closer to a host than any. */
const SLICE_BITS = 129;

/** The decision's inputs with what many gates ask of them made once. */
export class GateKeeper {
  readonly #inputs: DecisionInputs;
  readonly #protected: AddressSet;
  readonly #zones: readonly { readonly zone: Zone; readonly set: AddressSet }[];

  constructor(inputs: DecisionInputs) {
    this.#inputs = inputs;
    this.#protected = new AddressSet(inputs.policy.protectedHosts);
    this.#zones = inputs.policy.zones.map((zone) => ({ zone, set: new AddressSet([zone.where]) }));
  }

  /** The most careful mode of all hosts that a measure names, and of the incident's own. */
  modeFor(measure: Measure): AutonomyMode {
    const hosts = [this.#inputs.incident.entity.address, ...addressesOf(measure)];
    const modes = hosts.map((host) => this.#modeOf(host));
    const { modeMost } = this.#inputs.state;
    return leastMode(modeMost === null ? modes : [...modes, modeMost]);
  }

  /** Why nothing is done to a host without a person; null: no reason. */
  protectionOf(measure: Measure): string | null {
    for (const address of addressesOf(measure)) {
      if (this.#protected.has(address)) return `${address} is declared protected`;
      const role = this.#assetOf(address)?.role ?? null;
      if (role !== null) return `${address} is critical (${role})`;
    }
    return null;
  }

  criticalityOf(measure: Measure): number {
    return this.protectionOf(measure) === null ? 1 : CRITICALITY;
  }

  /** Every condition of doing it without a person, passed or not. */
  gatesOf({ measure, impact, proven }: ResponseOption): readonly Gate[] {
    const mode = this.modeFor(measure);
    const isAllowed = mode === 'guarded' || mode === 'auto';
    const modeReason = `the mode is ${mode}${isAllowed ? '' : ', which leaves it to a person'}`;
    if (!changesTraffic(measure)) {
      return [gate('mode', mode !== 'observe', `${modeReason}; no traffic is changed`)];
    }
    return [
      gate('mode', isAllowed, modeReason),
      this.#confidenceGate(),
      this.#evidenceGate(measure, impact),
      this.#provenGate(proven),
      this.#historyGate(impact),
      this.#impactGate(measure, impact, mode),
      this.#fleetGate(impact),
      this.#deviceGate(measure, impact),
      this.#protectionGate(measure),
    ];
  }

  #confidenceGate(): Gate {
    const { confidence } = this.#inputs.incident;
    const least = this.#inputs.policy.gates.confidenceLeast;
    const reason = `confidence is ${percent(confidence)}, at least ${percent(least)} is needed`;
    return gate('confidence', confidence >= least, reason);
  }

  /** Limits at the victim harm nobody's normal traffic, so that one family is enough for them. */
  #evidenceGate(measure: Measure, impact: Impact): Gate {
    const { families, hasHardFact } = this.#inputs.incident;
    const isMild = measure.kind === 'limit_sources' && shareOf(impact) <= LOW_IMPACT_MOST;
    const needed = isMild ? 1 : 2;
    const passed = hasHardFact || families.length >= needed;
    const found = hasHardFact
      ? 'a fact that is near certain by itself'
      : `${families.length} ${families.length === 1 ? 'family' : 'independent families'} of evidence (${families.join(', ')})`;
    return gate('evidence', passed, `there is ${found}, ${needed} needed`);
  }

  #provenGate(proven: boolean): Gate {
    const reason = proven
      ? 'what it acts on has shown that it is where it says'
      : 'most of the evidence may carry a made-up source address';
    return gate('proven', proven, reason);
  }

  #historyGate({ historySeconds }: Impact): Gate {
    const least = this.#inputs.policy.gates.historySecondsLeast;
    const reason = `what is normal is known from ${plainSeconds(historySeconds)}, at least ${plainSeconds(least)} needed`;
    return gate('history', historySeconds >= least, reason);
  }

  #impactGate(measure: Measure, impact: Impact, mode: AutonomyMode): Gate {
    const { impactMost } = this.#inputs.policy.gates;
    const most = mode === 'guarded' ? Math.min(impactMost, LOW_IMPACT_MOST) : impactMost;
    const criticality = this.criticalityOf(measure);
    const weighed = shareOf(impact) * criticality;
    const times = criticality === 1 ? '' : `, ${criticality} times as it is critical`;
    const reason = `${percent(shareOf(impact))} of normal traffic would go${times}; at most ${percent(most)} may`;
    return gate('impact', weighed <= most, reason);
  }

  #fleetGate({ fleetShare }: Impact): Gate {
    const most = this.#inputs.policy.gates.fleetShareMost;
    const sum = fleetShare + this.#inputs.state.ledger.fleetShare;
    const reason = `${percent(sum)} of all normal bytes would be blocked this hour, at most ${percent(most)} may be`;
    return gate('fleet', sum <= most, reason);
  }

  #deviceGate(measure: Measure, { devices }: Impact): Gate {
    const { assets, deviceCount, policy, state } = this.#inputs;
    const known = new Set(assets.map(({ address }) => address));
    const named = addressesOf(measure).filter((address) => known.has(address));
    const acted = Math.max(new Set([...state.ledger.devices, ...named]).size, devices);
    const most = Math.max(1, Math.floor(policy.gates.deviceShareMost * deviceCount));
    const reason = `${acted} of ${deviceCount} devices would be acted on this hour, at most ${most} may be`;
    return gate('devices', acted <= most, reason);
  }

  #protectionGate(measure: Measure): Gate {
    const why = this.protectionOf(measure);
    return gate('protected', why === null, why ?? 'no host that it names is protected');
  }

  #modeOf(host: string): AutonomyMode {
    const slice = this.#assetOf(host)?.slice ?? null;
    let best: { readonly mode: AutonomyMode; readonly bits: number } = {
      mode: this.#inputs.policy.mode,
      bits: -1,
    };
    for (const { zone, set } of this.#zones) {
      const isSlice = slice !== null && zone.where === `slice:${slice}`;
      const bits = isSlice ? SLICE_BITS : bitsOf(zone.where);
      if ((isSlice || set.has(host)) && bits > best.bits) best = { mode: zone.mode, bits };
    }
    return best.mode;
  }

  #assetOf(address: string): AssetFacts | undefined {
    return this.#inputs.assets.find((asset) => asset.address === address);
  }
}

/** The larger of the two shares of a host's normal traffic. */
export function shareOf({ bytesShare, flowsShare }: Impact): number {
  return Math.max(bytesShare, flowsShare);
}

export function changesTraffic({ kind }: Measure): boolean {
  return LADDER.find((row) => row.kind === kind)!.changesTraffic;
}

const CAUTION: readonly AutonomyMode[] = ['observe', 'recommend', 'guarded', 'auto'];

function leastMode(modes: readonly AutonomyMode[]): AutonomyMode {
  return CAUTION[Math.min(...modes.map((mode) => CAUTION.indexOf(mode)))]!;
}

const gate = (name: string, passed: boolean, reason: string): Gate => ({ name, passed, reason });

function bitsOf(where: string): number {
  const [address = '', bits] = where.split('/');
  return bits === undefined ? (address.includes(':') ? 128 : 32) : Number(bits);
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function plainSeconds(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}
