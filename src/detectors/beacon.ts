import { formatAddress } from '../batch/address.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { RecencyMap } from '../models/recency_map.js';
import { regularity } from '../models/regularity.js';
import { SCORE_POOL_INDEX } from '../models/score_pools.js';
import type { Detector, DetectorContext } from './detector.js';
import { edgeKey } from './edge.js';
import { counted, lasting } from './words.js';

/**
 * D6, beacons: a device that calls the same outside destination again and again, on time. ATT&CK
 * T1071, T1573.
 *
 * Method: the contacts of an edge (device, destination, port) are scored by how evenly they come, how
 * equal they are and how long that goes on (models/regularity.ts), plus 0.8 times the rarity of the
 * edge in the network, plus e^(-age / 7 d); p by conformal rank of the score among the edges of all
 * devices that have come as far, so that updaters and time servers set the bar. Looks are at 8, 12,
 * 16, 24, 32 and 48 contacts. Looks at one edge say the same again, so its evidence is their average,
 * never their product: one edge is one observation, and the lane needs no phases.
 *
 * Since ranks can say no more than how rare such edges are here, one beacon alone seldom reaches the
 * budget: it adds to what other lanes hold against the device. Heartbeats inside one long flow are
 * not seen: its record has the gaps of 12 packets.
 *
 * Memory: 24 edges of 0.2 to 0.9 kB an entity. Cold start: nothing is said until 20 edges of the
 * network have come as far. Evasion: waiting for hours, which new_edge does not forget; 90 % jitter,
 * which leaves evenness and persistence; destinations that everybody uses.
 */
export interface BeaconOptions {
  /** Edges followed per entity; the one not used for longest is forgotten. */
  readonly edgesMost: number;
  /** Contacts that begin within this time of the one before are one, us. */
  readonly mergeUs: number;
  /** An edge that this share of devices uses, and that is older than this, us, is no beacon's. */
  readonly commonShare: number;
  readonly commonAgeUs: number;
}

export const BEACON_DEFAULTS: BeaconOptions = {
  edgesMost: 24,
  mergeUs: 1e6,
  commonShare: 0.3,
  commonAgeUs: 14 * 86_400e6,
};

const LANE = LANE_INDEX.beacon;
const DAY_US = 86_400e6;

/** Contacts at which an edge is looked at, and the pool of edges that have come as far. */
const LOOKS = [8, 12, 16, 24, 32, 48] as const;
const POOLS = LOOKS.map((contacts) => SCORE_POOL_INDEX[`beacon_${contacts}`]);
const CONTACTS_MOST = LOOKS[LOOKS.length - 1]!;
const NO_CONTACTS: never[] = [];

/**
 * The contacts of one edge, in the order of their begin. A plain array: most edges have one contact,
 * and two typed arrays took 300 bytes for it.
 */
class Edge {
  /** Times in its first half, sizes in its second. */
  #contacts: number[] = NO_CONTACTS;
  count = 0;
  looks = 0;
  /** Sum of e^lnE of the looks so far. */
  sumE = 0;

  clear(): void {
    this.count = 0;
    this.looks = 0;
    this.sumE = 0;
  }

  /** The first `count` are taken. */
  get times(): readonly number[] {
    return this.#contacts;
  }

  get sizes(): readonly number[] {
    return this.#contacts.slice(this.#capacity, this.#capacity + this.count);
  }

  get #capacity(): number {
    return this.#contacts.length >> 1;
  }

  /** Takes a contact; false when it was part of another one. Flows end in another order than begin. */
  add(atUs: number, bytes: number, mergeUs: number): boolean {
    const { times } = this;
    let place = this.count;
    while (place > 0 && times[place - 1]! > atUs) place--;
    const before = place > 0 ? times[place - 1]! : -Infinity;
    const after = place < this.count ? times[place]! : Infinity;
    if (atUs - before < mergeUs || after - atUs < mergeUs) return false;
    if (this.count === this.#capacity) this.#grow();
    const contacts = this.#contacts;
    const sizesAt = this.#capacity;
    for (let i = this.count; i > place; i--) {
      contacts[i] = contacts[i - 1]!;
      contacts[sizesAt + i] = contacts[sizesAt + i - 1]!;
    }
    contacts[place] = atUs;
    contacts[sizesAt + place] = bytes;
    this.count++;
    return true;
  }

  /** All looks were taken: its contacts are of no more use. */
  get isDone(): boolean {
    return this.count === CONTACTS_MOST;
  }

  save(out: StateWriter): void {
    out.u8(this.count);
    out.u8(this.looks);
    out.f64(this.sumE);
    if (this.isDone) return;
    out.f64s(this.times.slice(0, this.count));
    out.f64s(this.sizes);
  }

  restore(from: StateReader): void {
    this.count = Math.min(from.u8(), CONTACTS_MOST);
    this.looks = Math.min(from.u8(), LOOKS.length);
    this.sumE = from.f64();
    if (this.isDone) return;
    const times = Array.from({ length: this.count }, () => from.time());
    this.#contacts = times.concat(Array.from(from.f64s(this.count)));
  }

  #grow(): void {
    const capacity = Math.min(CONTACTS_MOST, Math.max(1, 2 * this.count));
    const contacts = new Array<number>(2 * capacity).fill(0);
    for (let i = 0; i < this.count; i++) {
      contacts[i] = this.#contacts[i]!;
      contacts[capacity + i] = this.#contacts[this.#capacity + i]!;
    }
    this.#contacts = contacts;
  }
}

const makeEdge = (): Edge => new Edge();
const clearEdge = (edge: Edge): void => edge.clear();

class BeaconState implements EntityState {
  readonly edges: RecencyMap<Edge>;
  /** What was said last. */
  headline = '';

  constructor(edgesMost: number) {
    this.edges = new RecencyMap(edgesMost, makeEdge, clearEdge);
  }

  recycle(): boolean {
    return false;
  }
}

class BeaconDetector implements Detector {
  readonly name = 'beacon';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['beacon'];
  readonly #slot: number;
  readonly #options: BeaconOptions;

  constructor(slot: number, options: BeaconOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!entity.isRegular || !(row.event & FlowEvents.END)) return;
    if (!(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.roles & FlowRoles.RESPONDER_INTERNAL) return;
    if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return;
    const state = this.#stateOf(entity);
    const key = edgeKey(row);
    const edge = state.edges.claim(key);
    if (edge.isDone) return;
    if (!edge.add(row.tsFirstUs, row.origPayload, this.#options.mergeUs)) return;
    if (edge.count === LOOKS[edge.looks]) this.#look(edge, key, { row, entity, context });
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as BeaconState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { edges, headline } = entity.slots[this.#slot] as BeaconState;
    edges.save(out, (edge) => edge.save(out));
    out.text(headline);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = this.#stateOf(entity);
    state.edges.restore(from, (edge) => edge.restore(from));
    state.headline = from.text();
  }

  #stateOf(entity: Entity): BeaconState {
    const { edgesMost } = this.#options;
    return (entity.slots[this.#slot] ??= new BeaconState(edgesMost)) as BeaconState;
  }

  #look(edge: Edge, key: number, at: Judged): void {
    const { entity, context, row } = at;
    const { population } = context;
    const pool = POOLS[edge.looks++]!;
    const score = this.#score(edge, key, at);
    const lnE = this.#isCommon(edge, key, at) ? 0 : population.scores.lnE(pool, score);
    if (context.isClean(entity)) population.contributeScore(entity.key, pool, score);
    const before = averageOf(edge, edge.looks - 1);
    edge.sumE += Math.exp(lnE);
    const lnBet = Math.log(averageOf(edge, edge.looks) / before);
    if (!context.bet(entity, LANE, lnBet)) return;
    const reason = sentence(edge, row);
    (entity.slots[this.#slot] as BeaconState).headline = reason;
    context.explain(entity, LANE, {
      other: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
      t0Us: edge.times[0]!,
      lnE: lnBet,
      p: population.scores.p(pool, score),
      reason,
      features: [
        {
          feature: 'regularity, rarity and newness of the edge',
          observed: score,
          expectedMedian: population.scores.quantile(pool, 0.5),
          expectedP99: population.scores.quantile(pool, 0.99),
          scope: 'group',
          lnEShare: lnBet,
          nRef: population.scores.size(pool),
        },
      ],
      flows: [context.flowRef()],
    });
  }

  #score(edge: Edge, key: number, { row, context }: Judged): number {
    const { edges } = context.population;
    const rarity = -Math.log((edges.devices(key) + 0.5) / (edges.devicesMost + 1));
    const age = Math.exp(-(row.tsLastUs - edge.times[0]!) / (7 * DAY_US));
    return regularity(edge.times, edge.sizes, edge.count) + 0.8 * rarity + age;
  }

  #isCommon(edge: Edge, key: number, { row, context }: Judged): boolean {
    const { edges } = context.population;
    const { commonShare, commonAgeUs } = this.#options;
    if (row.tsLastUs - edge.times[0]! < commonAgeUs) return false;
    return edges.devices(key) > commonShare * edges.devicesMost;
  }
}

interface Judged {
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createBeaconDetector(slot: number, options: Partial<BeaconOptions> = {}): Detector {
  return new BeaconDetector(slot, { ...BEACON_DEFAULTS, ...options });
}

/** The mean of the E of all looks, those to come counting as 1. */
function averageOf(edge: Edge, looks: number): number {
  return (edge.sumE + LOOKS.length - looks) / LOOKS.length;
}

function sentence(edge: Edge, row: FlowRowView): string {
  const address = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
  const { times, count } = edge;
  const span = times[count - 1]! - times[0]!;
  const every = lasting(span / (count - 1));
  return `called ${address} port ${row.respPort} ${counted(count, 'time')} in ${lasting(span)}, about every ${every}`;
}
