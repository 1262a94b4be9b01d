import { formatAddress } from '../batch/address.js';
import {
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { OutcomeHistory, type OutcomeModel } from '../models/outcomes.js';
import { ADMIN_PORTS } from './admin_ports.js';
import { Contact, contactOutcome } from './contact.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D10, lateral movement: who was reached is used to reach further. ATT&CK T1021, T1563, T1570.
 *
 * Method: login paths a -> b -> c after Hopper (Ho and others 2021), seen from the host in the middle.
 * Each time b contacts somebody for the first time on a port by which computers are run (SSH, SMB, RDP
 * ...) is one of three outcomes: nobody new had reached b so in the half hour before; somebody had, and
 * others here use that edge, too; somebody had, and nobody here ever used it. The bet is their
 * probability when somebody works his way through the network against what b did more than half an
 * hour ago (Dirichlet prior).
 *
 * Memory: 8 B an edge, 1,024 edges of hosts that were contacted. Cold start: nothing is bet on until b
 * was active for an hour, since all its edges are new at first. Evasion: paths that are in use, or
 * pauses of more than the half hour; the rarity of each edge alone is for new_edge. A jump host is
 * known by its history.
 */
export interface LateralOptions {
  readonly model: OutcomeModel;
  /** How long after it was reached a host's new edges are a path, us. */
  readonly pathUs: number;
  /** Active ticks of a host before it is bet on. */
  readonly activeTicksLeast: number;
  readonly edgesMost: number;
}

export const LATERAL_DEFAULTS: LateralOptions = {
  model: {
    normal: [0.85, 0.12, 0.03],
    normalWeight: 20,
    attack: [0.15, 0.15, 0.7],
    learningDelayUs: 1800e6,
  },
  pathUs: 1800e6,
  activeTicksLeast: 720,
  edgesMost: 512,
};

const LANE = LANE_INDEX.lateral;
const ALONE = 0;
const PATH = 1;
const NEW_PATH = 2;
const INSIDE = FlowRoles.ORIGINATOR_INTERNAL | FlowRoles.RESPONDER_INTERNAL;

class LateralState implements EntityState {
  readonly edges: KeySet;
  readonly history: OutcomeHistory;
  /** Who reached it last for the first time, when, and how. */
  reachedUs = -Infinity;
  reachedBy = '';
  paths = 0;
  firstUs = 0;
  lastUs = 0;
  lastHop = '';

  constructor({ edgesMost, model }: LateralOptions) {
    this.edges = new KeySet(edgesMost);
    this.history = new OutcomeHistory(model.normal.length);
  }

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.edges.save(out);
    this.history.save(out);
    out.f64(this.reachedUs);
    out.text(this.reachedBy);
    out.f64s([this.paths, this.firstUs, this.lastUs]);
    out.text(this.lastHop);
  }

  restore(from: StateReader): void {
    this.edges.restore(from);
    this.history.restore(from);
    this.reachedUs = from.time();
    this.reachedBy = from.text();
    this.paths = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.lastHop = from.text();
  }
}

class LateralDetector implements Detector {
  readonly name = 'lateral';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['lateral'];
  readonly #slot: number;
  readonly #options: LateralOptions;

  constructor(slot: number, options: LateralOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlowTo(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!isAdminContact(row)) return;
    const state = (entity.slots[this.#slot] ??= new LateralState(this.#options)) as LateralState;
    if (!state.edges.add(pairKey(row.origKey, row.respPort))) return;
    state.reachedUs = context.timeUs;
    state.reachedBy = formatAddress(row.u8, row.at + FlowRowOffset.origAddr);
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!isAdminContact(row)) return;
    const state = (entity.slots[this.#slot] ??= new LateralState(this.#options)) as LateralState;
    if (!state.edges.add(pairKey(row.respKey, 0x10000 + row.respPort))) return;
    const outcome = this.#outcomeOf(state, row, context);
    const { model, activeTicksLeast } = this.#options;
    const lnE = state.history.lnE(outcome, model);
    if (context.isClean(entity)) state.history.note(outcome, context.timeUs, model);
    if (entity.activeTicks < activeTicksLeast) return;
    if (outcome === NEW_PATH) noteHop(state, row);
    if (context.bet(entity, LANE, lnE)) this.#explain(state, lnE, { entity, context });
  }

  describe(entity: Entity): string {
    return sentence(entity.slots[this.#slot] as LateralState);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as LateralState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new LateralState(this.#options);
    entity.slots[this.#slot] = state;
    state.restore(from);
  }

  #outcomeOf(state: LateralState, row: FlowRowView, context: DetectorContext): number {
    if (context.timeUs - state.reachedUs > this.#options.pathUs) return ALONE;
    const edge = pairKey(row.respKey, row.protocol * 0x10000 + row.respPort);
    return context.population.edges.devices(edge) > 0 ? PATH : NEW_PATH;
  }

  #explain(
    state: LateralState,
    lnE: number,
    { entity, context }: { readonly entity: Entity; readonly context: DetectorContext },
  ): void {
    const nRef = state.history.references;
    context.explain(entity, LANE, {
      other: state.lastHop,
      t0Us: state.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(state),
      features: [
        {
          feature: 'hosts that nobody here had run from elsewhere, run after being reached',
          observed: state.paths,
          expectedMedian: 0,
          expectedP99: 1,
          scope: nRef > 0 ? 'self' : 'default',
          lnEShare: lnE,
          nRef,
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

function noteHop(state: LateralState, row: FlowRowView): void {
  if (state.paths === 0) state.firstUs = row.tsFirstUs;
  state.paths++;
  state.lastUs = row.tsFirstUs;
  state.lastHop = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
}

function isAdminContact(row: FlowRowView): boolean {
  if ((row.roles & INSIDE) !== INSIDE || !ADMIN_PORTS.has(row.respPort)) return false;
  if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return false;
  return contactOutcome(row) === Contact.ANSWERED;
}

export function createLateralDetector(
  slot: number,
  options: Partial<LateralOptions> = {},
): Detector {
  return new LateralDetector(slot, { ...LATERAL_DEFAULTS, ...options });
}

function sentence(state: LateralState): string {
  const span = lasting(state.lastUs - state.firstUs);
  return `was reached by ${state.reachedBy} and then ran ${counted(state.paths, 'host')} that nobody here had reached so, the last ${state.lastHop}, in ${span}`;
}
