import { formatAddress } from '../batch/address.js';
import {
  FlowFlags,
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
import { KeySet } from '../models/key_set.js';
import { PartitionQuota } from '../models/partition.js';
import { pitmanYor } from '../models/pitman_yor.js';
import { Contact, contactOutcome } from './contact.js';
import { edgeKey } from './edge.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted } from './words.js';

/**
 * D2, new or rare edge: a device talks to a destination and port for the first time. ATT&CK T1021,
 * T1071, T1570.
 *
 * Method: predictive probability of the edge by two-level Pitman-Yor back-off (device over network),
 * surprise s = -ln P, p by conformal rank of s among the first sights of all devices, E by the fixed
 * calibrator. First sights of one tick come in bursts (a page, a log-in) and are averaged, which is
 * valid however they depend on each other. Only answered contacts count: what failed is the scan
 * test's. External destinations are taken by name where one was asked for, else by network (/24,
 * /48).
 *
 * Memory: 8 B an edge, 2,048 edges at most. Cold start: with few first sights in the network p
 * cannot be small. Evasion: using known edges; volume and order are for other detectors. The ranks
 * see no single device, so one that always roams is judged as the others are.
 */
export interface NewEdgeOptions {
  /** Edges remembered per entity in one generation; older ones count as new again. */
  readonly edgesMost: number;
  /** Surprises of one entity that are learned in one tick: nobody shall set the norm alone. */
  readonly lessonsPerTick: number;
}

export const NEW_EDGE_DEFAULTS: NewEdgeOptions = { edgesMost: 1024, lessonsPerTick: 8 };

const LANE = LANE_INDEX.new_edge;

/** Entities that are bet on in one tick, at most; first sights of others are not judged. */
const ENTITIES_PER_TICK_MOST = 16_384;

/** The most surprising first sight of a tick, for the explanation. */
interface Sight {
  readonly surprise: number;
  readonly devices: number;
  readonly destination: string;
  readonly port: number;
  readonly flow: FlowRef;
  readonly timeUs: number;
}

/** The first sights of one entity in one tick. */
class TickSights {
  readonly entity: Entity;
  /** ln of the sum of their E, their number, how many were learned from, and the strongest. */
  lnSum = -Infinity;
  count = 0;
  lessons = 0;
  strongest: Sight | null = null;

  constructor(entity: Entity) {
    this.entity = entity;
  }
}

class NewEdgeState implements EntityState {
  /** The first edge, 0 before there is one. Most entities have no other, and a set is made for two. */
  #first = 0;
  #edges: KeySet | null = null;
  edgesSeen = 0;
  tick: TickSights | null = null;
  /** The strongest ever, for the summary. */
  headline: Sight | null = null;

  /** True when the edge was not known. @param edge above 0 */
  add(edge: number, { edgesMost }: NewEdgeOptions): boolean {
    if (this.#edges !== null) return this.#edges.add(edge);
    if (this.#first === edge) return false;
    if (this.#first === 0) this.#first = edge;
    else this.#spread(edgesMost).add(edge);
    return true;
  }

  save(out: StateWriter): void {
    out.f64(this.#first);
    out.flag(this.#edges !== null);
    this.#edges?.save(out);
    out.f64(this.edgesSeen);
    out.json(this.headline);
  }

  restore(from: StateReader, { edgesMost }: NewEdgeOptions): void {
    this.#first = from.natural();
    if (from.flag()) (this.#edges = new KeySet(edgesMost)).restore(from);
    this.edgesSeen = from.natural();
    this.headline = from.json() as Sight | null;
  }

  recycle(): boolean {
    this.#first = 0;
    this.#edges = null;
    this.edgesSeen = 0;
    this.tick = null;
    this.headline = null;
    return true;
  }

  #spread(edgesMost: number): KeySet {
    this.#edges = new KeySet(edgesMost);
    this.#edges.add(this.#first);
    return this.#edges;
  }
}

class NewEdgeDetector implements Detector {
  readonly name = 'new_edge';
  readonly memoryVersion = 2;
  readonly lanes: readonly LaneId[] = ['new_edge'];
  readonly #slot: number;
  readonly #options: NewEdgeOptions;
  /** Entities with first sights in this tick: a bounded list, though more may come than are kept. */
  #pending: TickSights[] = [];
  readonly #quota = new PartitionQuota(ENTITIES_PER_TICK_MOST);

  constructor(slot: number, options: NewEdgeOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return;
    if (contactOutcome(row) !== Contact.ANSWERED) return;
    const state = (entity.slots[this.#slot] ??= new NewEdgeState()) as NewEdgeState;
    const edge = edgeKey(row);
    if (!state.add(edge, this.#options)) return;
    state.tick ??= this.#beginTick(entity);
    if (state.tick === null) context.population.dropSight();
    else this.#judge(state, edge, { row, entity, context });
    state.edgesSeen++;
  }

  onTickEnd(context: DetectorContext): void {
    for (let i = 0; i < this.#pending.length; i++) this.#betOnTick(this.#pending[i]!, context);
    this.#pending = [];
    this.#quota.restart();
  }

  describe(entity: Entity): string {
    const { headline } = entity.slots[this.#slot] as NewEdgeState;
    return headline === null ? 'used new edges' : sentence(headline);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as NewEdgeState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new NewEdgeState();
    entity.slots[this.#slot] = state;
    state.restore(from, this.#options);
  }

  /** Null when too many entities have first sights in this tick. */
  #beginTick(entity: Entity): TickSights | null {
    if (!this.#quota.take(entity.key)) return null;
    const tick = new TickSights(entity);
    entity.hold();
    this.#pending.push(tick);
    return tick;
  }

  #judge(state: NewEdgeState, edge: number, at: Judged): void {
    const { row, entity, context } = at;
    const { edges } = context.population;
    const seen = { total: state.edgesSeen, kinds: state.edgesSeen };
    const surprise = -Math.log(pitmanYor(0, seen, edges.probability(edge, row.respPort)));
    const lnE = lnEOfP(edges.surprises.p(surprise));
    const tick = state.tick!;
    tick.count++;
    tick.lnSum = logAddExp(tick.lnSum, lnE);
    // The mean can only win when one of them does.
    if (lnE > 0 && surprise > (tick.strongest?.surprise ?? -Infinity)) {
      tick.strongest = sightOf(surprise, edges.devices(edge), at);
    }
    const teaches = tick.lessons < this.#options.lessonsPerTick && context.isClean(entity);
    if (teaches) tick.lessons++;
    const sight = { edge, port: row.respPort, surprise: teaches ? surprise : null };
    context.population.contributeSight(entity.key, sight);
  }

  #betOnTick(tick: TickSights, context: DetectorContext): void {
    const { entity, count, strongest } = tick;
    const state = entity.slots[this.#slot] as NewEdgeState;
    const lnE = tick.lnSum - Math.log(count);
    if (context.bet(entity, LANE, lnE) && strongest !== null) {
      state.headline = strongest;
      explain(strongest, { lnE, count, entity, context });
    }
    state.tick = null;
    entity.release();
  }
}

interface Judged {
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createNewEdgeDetector(
  slot: number,
  options: Partial<NewEdgeOptions> = {},
): Detector {
  return new NewEdgeDetector(slot, { ...NEW_EDGE_DEFAULTS, ...options });
}

function sightOf(surprise: number, devices: number, { row, context }: Judged): Sight {
  return {
    surprise,
    devices,
    destination: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
    port: row.respPort,
    flow: context.flowRef(),
    timeUs: row.tsFirstUs,
  };
}

function explain(
  sight: Sight,
  at: { lnE: number; count: number; entity: Entity; context: DetectorContext },
): void {
  const { surprises } = at.context.population.edges;
  at.context.explain(at.entity, LANE, {
    other: sight.destination,
    t0Us: sight.timeUs,
    lnE: at.lnE,
    p: surprises.p(sight.surprise),
    reason: sentence(sight),
    features: [
      {
        feature: `surprise of first contact with ${sight.destination} port ${sight.port} (nats)`,
        observed: sight.surprise,
        expectedMedian: surprises.quantile(0.5),
        expectedP99: surprises.quantile(0.99),
        scope: 'group',
        lnEShare: at.lnE,
        nRef: surprises.size,
      },
    ],
    flows: [sight.flow],
  });
}

function sentence(sight: Sight): string {
  const others =
    sight.devices === 0
      ? 'no device here used before'
      : `${counted(sight.devices, 'device')} here used before`;
  return `first talked to ${sight.destination} on port ${sight.port}, which ${others}`;
}
