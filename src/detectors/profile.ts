import { formatAddress, isIpv4 } from '../batch/address.js';
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
import { TICK_US } from '../domain/tick.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { OutcomeHistory, Walk, type OutcomeModel } from '../models/outcomes.js';
import { Contact, contactOutcome } from './contact.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D16, a device of one purpose leaves its profile. ATT&CK T1200, T1584.
 *
 * Method: the profile is learned: the kinds of flows that a device has, each way, by what is on the
 * other side (inside; outside by registered name, else by network, else, for datagrams, anywhere) and
 * by port, dynamic ports taken together. Each tick in which the device is active is one of two
 * outcomes, a new kind or none, and the bet is 3 in 10 against the rate at which this device showed new
 * kinds more than half an hour ago. A camera that shows one in an hour of ticks pays 6 nats for the
 * next, a workstation that shows one in every fourth pays nothing: who has a purpose shows by itself.
 *
 * Memory: 8 to 16 kB of kinds a device. Cold start: an hour of activity; descriptions of manufacturers
 * (RFC 8520) are not read. Evasion: to stay within the kinds that the device has, which volume and
 * timing are for. An update that brings a new purpose is told of when it brings seven new kinds at once.
 */
export interface ProfileOptions {
  readonly model: OutcomeModel;
  /** Active ticks of a device before it is bet on. */
  readonly activeTicksLeast: number;
  /** Kinds of flows remembered per device, of one generation. */
  readonly kindsMost: number;
}

export const PROFILE_DEFAULTS: ProfileOptions = {
  model: {
    normal: [0.98, 0.02],
    normalWeight: 25,
    attack: [0.7, 0.3],
    learningDelayUs: 1800e6,
  },
  activeTicksLeast: 720,
  kindsMost: 1024,
};

const LANE = LANE_INDEX.mud;
const USUAL = 0;
const NEW_KIND = 1;
const UDP = 17;
const DYNAMIC_FROM = 49_152;
const INBOUND = 0x100000;
const INSIDE = 1;
const ANYWHERE = 2;

class ProfileState implements EntityState {
  readonly kinds: KeySet;
  readonly history: OutcomeHistory;
  readonly walk = new Walk();
  /** Active tick of the last new kind. */
  lastTick = 0;
  newKinds = 0;
  firstUs = 0;
  lastUs = 0;
  last = '';

  constructor({ kindsMost, model }: ProfileOptions) {
    this.kinds = new KeySet(kindsMost);
    this.history = new OutcomeHistory(model.normal.length);
  }

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.kinds.save(out);
    this.history.save(out);
    this.walk.save(out);
    out.f64s([this.lastTick, this.newKinds, this.firstUs, this.lastUs]);
    out.text(this.last);
  }

  restore(from: StateReader): void {
    this.kinds.restore(from);
    this.history.restore(from);
    this.walk.restore(from);
    this.lastTick = from.natural();
    this.newKinds = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.last = from.text();
  }
}

class ProfileDetector implements Detector {
  readonly name = 'profile';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['mud'];
  readonly #slot: number;
  readonly #options: ProfileOptions;

  constructor(slot: number, options: ProfileOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!(row.roles & FlowRoles.ORIGINATOR_INTERNAL) || !isTold(row)) return;
    const other = otherSide(row, row.roles & FlowRoles.RESPONDER_INTERNAL, FlowRowOffset.respAddr);
    this.#onKind(pairKey(other, portRole(row)), true, { row, entity, context });
  }

  onFlowTo(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!isTold(row) || contactOutcome(row) !== Contact.ANSWERED) return;
    const other = row.roles & FlowRoles.ORIGINATOR_INTERNAL ? INSIDE : ANYWHERE;
    this.#onKind(pairKey(other, INBOUND + portRole(row)), false, { row, entity, context });
  }

  describe(entity: Entity): string {
    return sentence(entity.slots[this.#slot] as ProfileState);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as ProfileState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new ProfileState(this.#options);
    entity.slots[this.#slot] = state;
    state.restore(from);
  }

  #onKind(kind: number, isOutbound: boolean, at: Seen): void {
    const { entity, context } = at;
    if (!entity.isRegular) return;
    const state = (entity.slots[this.#slot] ??= new ProfileState(this.#options)) as ProfileState;
    if (!state.kinds.add(kind) || entity.activeTicks === state.lastTick) return;
    const quiet = Math.max(0, entity.activeTicks - state.lastTick - 1);
    state.lastTick = entity.activeTicks;
    const isClean = context.isClean(entity);
    const { model } = this.#options;
    const old = isClean ? Math.max(0, quiet - model.learningDelayUs / TICK_US) : 0;
    state.history.learn(USUAL, old);
    const isKnown = entity.activeTicks >= this.#options.activeTicksLeast;
    if (isKnown) this.#bet(state, { quiet, isOutbound }, at);
    if (!isClean) return;
    state.history.note(USUAL, context.timeUs, model, quiet - old);
    state.history.note(NEW_KIND, context.timeUs, model);
  }

  /** The quiet ticks since the last new kind, and now another. */
  #bet(
    state: ProfileState,
    { quiet, isOutbound }: { readonly quiet: number; readonly isOutbound: boolean },
    { row, entity, context }: Seen,
  ): void {
    const { model } = this.#options;
    const { walk, history } = state;
    const lnQuiet = history.lnE(USUAL, model);
    if (quiet > 0 && lnQuiet < 0) {
      const bets = Math.min(quiet, walk.betsBeforeFloor(lnQuiet));
      if (bets > 0) context.bet(entity, LANE, bets * lnQuiet);
      walk.advance(quiet * lnQuiet);
    }
    const lnE = history.lnE(NEW_KIND, model);
    const isBet = walk.isBetOn;
    walk.advance(lnE);
    if (lnE <= 0) return;
    note(state, row, isOutbound);
    if (isBet && context.bet(entity, LANE, lnE))
      this.#explain(state, lnE, { row, entity, context });
  }

  #explain(state: ProfileState, lnE: number, { row, entity, context }: Seen): void {
    const rate = state.history.probability(NEW_KIND, this.#options.model);
    const ticks = Math.max(1, (state.lastUs - state.firstUs) / 5e6);
    context.explain(entity, LANE, {
      other: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
      t0Us: state.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(state),
      features: [
        {
          feature: 'kinds of flows that it never had before',
          observed: state.newKinds,
          expectedMedian: Math.round(ticks * rate),
          expectedP99: Math.ceil(ticks * rate + 2.33 * Math.sqrt(ticks * rate)),
          scope: 'self',
          lnEShare: lnE,
          nRef: Math.round(state.history.references),
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

interface Seen {
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

/** By then a name was asked for if one is. */
function isTold(row: FlowRowView): boolean {
  if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return false;
  return (row.event & (FlowEvents.UPDATE | FlowEvents.END)) !== 0;
}

function portRole(row: FlowRowView): number {
  return row.protocol * 0x10000 + Math.min(row.respPort, DYNAMIC_FROM);
}

function otherSide(row: FlowRowView, isInternal: number, side: number): number {
  if (isInternal) return INSIDE;
  const low = row.nameHash(0);
  const high = row.nameHash(1);
  if (low !== 0 || high !== 0) return pairKey(low, high);
  if (row.protocol === UDP) return ANYWHERE;
  const { u32, u8, at } = row;
  const word = (at + side) >> 2;
  if (isIpv4(u8, at + side)) return pairKey(4, u32[word + 3]! & 0xffff);
  return pairKey(u32[word]!, 6);
}

function note(state: ProfileState, row: FlowRowView, isOutbound: boolean): void {
  if (state.newKinds === 0) state.firstUs = row.tsFirstUs;
  state.newKinds++;
  state.lastUs = row.tsLastUs;
  const name = row.protocol === UDP ? 'UDP port' : 'port';
  const other = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
  state.last = isOutbound
    ? `to ${other} ${name} ${row.respPort}`
    : `to its own ${name} ${row.respPort}`;
}

export function createProfileDetector(
  slot: number,
  options: Partial<ProfileOptions> = {},
): Detector {
  return new ProfileDetector(slot, { ...PROFILE_DEFAULTS, ...options });
}

function sentence(state: ProfileState): string {
  const span = lasting(state.lastUs - state.firstUs);
  return `left its profile with ${counted(state.newKinds, 'new kind')} of flows in ${span}, the last ${state.last}`;
}
