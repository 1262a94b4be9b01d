import { formatAddress } from '../batch/address.js';
import {
  FlowEvents,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { lnEOfP, logAddExp } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { PartitionQuota } from '../models/partition.js';
import { pitmanYor } from '../models/pitman_yor.js';
import type { Detector, DetectorContext } from './detector.js';
import { destinationKey } from './edge.js';
import { counted } from './words.js';

/**
 * D12, rare client fingerprint: a program that nobody here uses talks to the outside, or one that
 * everybody uses asks for what it never asked for. ATT&CK T1573.002, T1036.
 *
 * Method: predictive probability of the pair (client fingerprint, destination) when a device shows it
 * for the first time, by two-level Pitman-Yor back-off from the pair to the fingerprint; surprise
 * s = -ln(P n) for n pairs known, since any one of more pairs is less likely; p by conformal rank of s among the first sights of all devices. A flow whose client asks
 * for no name is a pair of its own with its network. First sights of one tick come in bursts and are
 * averaged. The fingerprint is what the record has: JA4 of TLS and QUIC, HASSH of SSH.
 *
 * Certificates and server fingerprints are not in the record and not judged.
 *
 * Memory: 8 B a pair, 1,024 pairs at most. Cold start: with few first sights in the network p cannot
 * be small. Evasion: copying a browser's fingerprint and asking for names it asks for.
 */
export interface FingerprintOptions {
  /** Pairs remembered per entity in one generation; older ones count as new again. */
  readonly pairsMost: number;
  /** Surprises of one entity that are learned in one tick: nobody shall set the norm alone. */
  readonly lessonsPerTick: number;
}

export const FINGERPRINT_DEFAULTS: FingerprintOptions = { pairsMost: 512, lessonsPerTick: 4 };

const LANE = LANE_INDEX.fingerprint;

/** Entities that are bet on in one tick, at most; first sights of others are not judged. */
const ENTITIES_PER_TICK_MOST = 16_384;

/** Kinds that fingerprints are told apart by below the pair: the low bits of their hash. */
const KINDS_MASK = 0xffff;

/** The most surprising first sight of a tick, for the explanation. */
interface Sight {
  readonly surprise: number;
  readonly devices: number;
  readonly fingerprint: string;
  readonly destination: string;
  readonly flow: FlowRef;
  readonly timeUs: number;
}

class FingerprintState implements EntityState {
  readonly pairs: KeySet;
  pairsSeen = 0;
  /** Of the current tick: ln of the sum of E, first sights, lessons, and the strongest. */
  lnSum = -Infinity;
  count = 0;
  lessons = 0;
  strongest: Sight | null = null;
  isPending = false;
  headline = '';

  constructor(pairsMost: number) {
    this.pairs = new KeySet(pairsMost);
  }

  startTick(): void {
    this.lnSum = -Infinity;
    this.count = 0;
    this.lessons = 0;
    this.strongest = null;
    this.isPending = true;
  }

  recycle(): boolean {
    return false;
  }
}

class FingerprintDetector implements Detector {
  readonly name = 'fingerprint';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['fingerprint'];
  readonly #slot: number;
  readonly #options: FingerprintOptions;
  #pending: Entity[] = [];
  readonly #quota = new PartitionQuota(ENTITIES_PER_TICK_MOST);

  constructor(slot: number, options: FingerprintOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!(row.event & FlowEvents.END) || !(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.roles & FlowRoles.RESPONDER_INTERNAL) return;
    const fingerprint = fingerprintKey(row);
    if (fingerprint === 0) return;
    const state = (entity.slots[this.#slot] ??= new FingerprintState(
      this.#options.pairsMost,
    )) as FingerprintState;
    const pair = pairKey(fingerprint, destinationKey(row));
    if (!state.pairs.add(pair)) return;
    if (state.isPending || this.#begin(state, entity)) {
      this.#judge(state, { pair, fingerprint, row, entity, context });
    }
    state.pairsSeen++;
  }

  onTickEnd(context: DetectorContext): void {
    for (let i = 0; i < this.#pending.length; i++) this.#betOnTick(this.#pending[i]!, context);
    this.#pending = [];
    this.#quota.restart();
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as FingerprintState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { pairs, pairsSeen, headline } = entity.slots[this.#slot] as FingerprintState;
    pairs.save(out);
    out.f64(pairsSeen);
    out.text(headline);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = (entity.slots[this.#slot] = new FingerprintState(this.#options.pairsMost));
    state.pairs.restore(from);
    state.pairsSeen = from.natural();
    state.headline = from.text();
  }

  /** False when too many entities have first sights in this tick. */
  #begin(state: FingerprintState, entity: Entity): boolean {
    if (!this.#quota.take(entity.key)) return false;
    state.startTick();
    entity.hold();
    this.#pending.push(entity);
    return true;
  }

  #judge(state: FingerprintState, at: Judged): void {
    const { pair, fingerprint, entity, context } = at;
    const { prints } = context.population;
    const kind = fingerprint & KINDS_MASK;
    const seen = { total: state.pairsSeen, kinds: state.pairsSeen };
    const probability = pitmanYor(0, seen, prints.probability(pair, kind));
    const surprise = -Math.log(probability * (1 + prints.size));
    const lnE = lnEOfP(prints.surprises.p(surprise));
    state.count++;
    state.lnSum = logAddExp(state.lnSum, lnE);
    if (lnE > 0 && surprise > (state.strongest?.surprise ?? -Infinity)) {
      state.strongest = sightOf(surprise, prints.devices(pair), at);
    }
    const teaches = state.lessons < this.#options.lessonsPerTick && context.isClean(entity);
    if (teaches) state.lessons++;
    const sight = { edge: pair, port: kind, surprise: teaches ? surprise : null };
    context.population.contributePrint(entity.key, sight);
  }

  #betOnTick(entity: Entity, context: DetectorContext): void {
    const state = entity.slots[this.#slot] as FingerprintState;
    const { strongest, count } = state;
    const lnE = state.lnSum - Math.log(count);
    state.isPending = false;
    entity.release();
    if (!context.bet(entity, LANE, lnE) || strongest === null) return;
    const { surprises } = context.population.prints;
    state.headline = sentence(strongest);
    context.explain(entity, LANE, {
      other: strongest.destination,
      t0Us: strongest.timeUs,
      lnE,
      p: surprises.p(strongest.surprise),
      reason: state.headline,
      features: [
        {
          feature: `surprise of fingerprint ${strongest.fingerprint} with ${strongest.destination} (nats)`,
          observed: strongest.surprise,
          expectedMedian: surprises.quantile(0.5),
          expectedP99: surprises.quantile(0.99),
          scope: 'group',
          lnEShare: lnE,
          nRef: surprises.size,
        },
      ],
      flows: [strongest.flow],
    });
  }
}

interface Judged {
  readonly pair: number;
  readonly fingerprint: number;
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createFingerprintDetector(
  slot: number,
  options: Partial<FingerprintOptions> = {},
): Detector {
  return new FingerprintDetector(slot, { ...FINGERPRINT_DEFAULTS, ...options });
}

/** 0 when the record has none. */
function fingerprintKey(row: FlowRowView): number {
  const low = row.clientFingerprint(0);
  const high = row.clientFingerprint(1);
  return low === 0 && high === 0 ? 0 : pairKey(low, high);
}

function sightOf(surprise: number, devices: number, { row, context }: Judged): Sight {
  const hex = (n: number): string => n.toString(16).padStart(8, '0');
  return {
    surprise,
    devices,
    fingerprint: hex(row.clientFingerprint(1)) + hex(row.clientFingerprint(0)),
    destination: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
    flow: context.flowRef(),
    timeUs: row.tsFirstUs,
  };
}

function sentence({ destination, fingerprint, devices }: Sight): string {
  const others = devices === 0 ? 'no device here' : counted(devices, 'device') + ' here';
  return `talked to ${destination} with a client of fingerprint ${fingerprint}, as ${others} did before`;
}
