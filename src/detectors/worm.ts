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
import { GammaPoisson, type GammaPrior } from '../models/gamma_poisson.js';
import { RecencyMap } from '../models/recency_map.js';
import { ADMIN_PORTS } from './admin_ports.js';
import { Contact, contactOutcome } from './contact.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D11, a program that spreads: who was contacted on a port goes on to contact others on that port.
 * ATT&CK T1210, T1570.
 *
 * Method: when an internal host is contacted on a port by another one for the first time, and has not
 * itself used that port on others in the half hour before, its new contacts on that port in the half
 * hour after are its offspring. From the third on each is a bet, as it comes, of a hazard of 0.9
 * against the negative binomial that a Poisson rate with a Gamma prior predicts (mean 0.05 by which
 * few hosts that are run from others run others in turn; 1 on ports of services that talk among
 * themselves), after the windows of this host that ended quietly. A window that ends pays for itself.
 * Failed contacts count: a worm looks for victims.
 *
 * Memory: 8 ports of 1 kB and 4 kB of contacts, of hosts inside. Cold start: the prior; a
 * jump host that takes somebody to twenty others in half an hour looks the same until it was seen to do
 * so. Evasion: waiting for longer than the window; another port for each step. Its victims are told of
 * one by one, and the incident book connects them.
 */
export interface WormOptions {
  /** How long after it was contacted a host's new contacts count as offspring, us. */
  readonly windowUs: number;
  /** P(one more | a worm has this many). */
  readonly hazard: number;
  /** Offspring that are not bet on: few are no outbreak, and most windows have none. */
  readonly offspringBeforeBet: number;
  readonly adminPrior: GammaPrior;
  readonly otherPrior: GammaPrior;
  readonly portsMost: number;
  readonly contactsMost: number;
}

export const WORM_DEFAULTS: WormOptions = {
  windowUs: 1800e6,
  hazard: 0.9,
  offspringBeforeBet: 2,
  adminPrior: { shape: 0.1, rate: 2 },
  otherPrior: { shape: 1, rate: 1 },
  portsMost: 8,
  contactsMost: 256,
};

const LANE = LANE_INDEX.worm;
const TCP = 6;

/** What a host does on one port. */
class Port {
  readonly rate = new GammaPoisson();
  /** A window is open until then; 0: none is. */
  untilUs = 0;
  sinceUs = 0;
  offspring = 0;
  lastUs = 0;
  /** When it last contacted somebody new on the port, in or out of a window. */
  ownUs = -Infinity;
  number = 0;
  by = '';
  name = '';

  clear(): void {
    this.rate.clear();
    this.untilUs = 0;
    this.offspring = 0;
    this.ownUs = -Infinity;
    this.by = '';
    this.name = '';
  }

  save(out: StateWriter): void {
    this.rate.save(out);
    out.f64s([this.untilUs, this.sinceUs, this.offspring, this.lastUs]);
    out.f64s([this.ownUs, this.number]);
    out.text(this.by);
    out.text(this.name);
  }

  restore(from: StateReader): void {
    this.rate.restore(from);
    this.untilUs = from.time();
    this.sinceUs = from.time();
    this.offspring = from.natural();
    this.lastUs = from.time();
    this.ownUs = from.time();
    this.number = from.natural();
    this.by = from.text();
    this.name = from.text();
    // A window of another time is not under way.
    if (from.shiftUs === 0) return;
    this.untilUs = 0;
    this.offspring = 0;
  }
}

const makePort = (): Port => new Port();
const clearPort = (port: Port): void => port.clear();

class WormState implements EntityState {
  readonly ports: RecencyMap<Port>;
  /** First contacts of both directions. */
  readonly incoming: KeySet;
  readonly outgoing: KeySet;
  strongest: Port | null = null;

  constructor({ portsMost, contactsMost }: WormOptions) {
    this.ports = new RecencyMap(portsMost, makePort, clearPort);
    this.incoming = new KeySet(contactsMost);
    this.outgoing = new KeySet(contactsMost);
  }

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.ports.save(out, (port) => port.save(out));
    this.incoming.save(out);
    this.outgoing.save(out);
    out.u32(1 + [...this.ports.values()].indexOf(this.strongest!));
  }

  restore(from: StateReader): void {
    this.ports.restore(from, (port) => port.restore(from));
    this.incoming.restore(from);
    this.outgoing.restore(from);
    this.strongest = [...this.ports.values()][from.u32() - 1] ?? null;
  }
}

class WormDetector implements Detector {
  readonly name = 'worm';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['worm'];
  readonly #slot: number;
  readonly #options: WormOptions;

  constructor(slot: number, options: WormOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlowTo(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!isInside(row) || contactOutcome(row) !== Contact.ANSWERED) return;
    const state = (entity.slots[this.#slot] ??= new WormState(this.#options)) as WormState;
    if (!state.incoming.add(pairKey(row.origKey, portKey(row)))) return;
    const port = state.ports.claim(portKey(row));
    const { timeUs } = context;
    this.#close(port, entity, context);
    const { windowUs } = this.#options;
    if (port.untilUs > 0 || timeUs - port.ownUs < windowUs) return;
    port.untilUs = timeUs + windowUs;
    port.sinceUs = row.tsFirstUs;
    port.number = row.respPort;
    port.offspring = 0;
    port.by = formatAddress(row.u8, row.at + FlowRowOffset.origAddr);
    port.name = `${row.protocol === TCP ? '' : 'UDP '}port ${row.respPort}`;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!isInside(row) || contactOutcome(row) === Contact.OPEN) return;
    const state = (entity.slots[this.#slot] ??= new WormState(this.#options)) as WormState;
    if (!state.outgoing.add(pairKey(row.respKey, portKey(row)))) return;
    for (const other of state.ports.values()) this.#close(other, entity, context);
    const port = state.ports.claim(portKey(row));
    port.ownUs = context.timeUs;
    if (port.untilUs === 0) return;
    port.offspring++;
    port.lastUs = row.tsFirstUs;
    if (port.offspring <= this.#options.offspringBeforeBet) return;
    const expected = port.rate.hazard(port.offspring - 1, this.#priorOf(row.respPort));
    const lnE = Math.log(this.#options.hazard / Math.min(this.#options.hazard, expected));
    if (port.offspring > (state.strongest?.offspring ?? 0)) state.strongest = port;
    if (context.bet(entity, LANE, lnE)) this.#explain({ port, lnE, row, entity, context });
  }

  describe(entity: Entity): string {
    const strongest = (entity.slots[this.#slot] as WormState | null)?.strongest ?? null;
    return strongest === null ? 'began to be contacted and to contact others' : sentence(strongest);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as WormState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new WormState(this.#options);
    entity.slots[this.#slot] = state;
    state.restore(from);
  }

  #priorOf(port: number): GammaPrior {
    return ADMIN_PORTS.has(port) ? this.#options.adminPrior : this.#options.otherPrior;
  }

  /** Ends the window that has run out: it had no more offspring, which is a bet, too. */
  #close(port: Port, entity: Entity, context: DetectorContext): void {
    if (port.untilUs === 0 || context.timeUs < port.untilUs) return;
    const { hazard, offspringBeforeBet } = this.#options;
    const prior = this.#priorOf(port.number);
    const expected = Math.min(hazard, port.rate.hazard(port.offspring, prior));
    if (port.offspring >= offspringBeforeBet) {
      context.bet(entity, LANE, Math.log((1 - hazard) / (1 - expected)));
    }
    if (context.isClean(entity)) port.rate.learn(port.offspring);
    port.untilUs = 0;
    port.offspring = 0;
  }

  #explain({ port, lnE, row, entity, context }: Won): void {
    const prior = this.#priorOf(row.respPort);
    const mean = port.rate.mean(prior);
    context.explain(entity, LANE, {
      other: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
      t0Us: port.sinceUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(port),
      features: [
        {
          feature: `hosts newly contacted on ${port.name} after ${port.by} had contacted it there`,
          observed: port.offspring,
          expectedMedian: Math.round(mean),
          expectedP99: Math.ceil(mean + 2.33 * Math.sqrt(mean)),
          scope: port.rate.windows > 0 ? 'self' : 'default',
          lnEShare: lnE,
          nRef: port.rate.windows,
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

interface Won {
  readonly port: Port;
  readonly lnE: number;
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

const INSIDE = FlowRoles.ORIGINATOR_INTERNAL | FlowRoles.RESPONDER_INTERNAL;

function isInside(row: FlowRowView): boolean {
  if ((row.roles & INSIDE) !== INSIDE) return false;
  return (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) === 0;
}

const portKey = (row: FlowRowView): number => row.protocol * 0x10000 + row.respPort;

export function createWormDetector(slot: number, options: Partial<WormOptions> = {}): Detector {
  return new WormDetector(slot, { ...WORM_DEFAULTS, ...options });
}

function sentence(port: Port): string {
  const span = lasting(port.lastUs - port.sinceUs);
  return `was contacted by ${port.by} on ${port.name} and then contacted ${counted(port.offspring, 'other host')} there within ${span}`;
}
