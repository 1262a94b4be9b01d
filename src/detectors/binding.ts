import { formatAddress } from '../batch/address.js';
import { EventType } from '../batch/generated/event_schema.js';
import type { EventRowView } from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { LN_E_MOST, pOfLnE } from '../models/e_value.js';
import { pairKey } from '../models/key_set.js';
import {
  LinkAddress,
  LinkServer,
  LinkStation,
  restoreTable,
  saveTable,
  tableOf,
} from '../models/link_tables.js';
import { Walk } from '../models/outcomes.js';
import type { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { formatMac, LinkMessage, LinkReader } from './link_reader.js';
import { counted, lasting } from './words.js';

/**
 * D14, an address that another station says is its own; a second DHCP server or router. ATT&CK
 * T1557.002, T1557.003.
 *
 * Method: an address belongs to the station that claimed it first, until that one has been silent for
 * a minute. Each claim of a station (ARP sender, neighbour advertisement) is a bet: it contradicts an
 * owner who has spoken since the claims began in one of a hundred when nothing is wrong (two stations
 * with one address by mistake; a cluster that hands an address on is silent about it afterwards), and
 * in six of ten when somebody poisons caches. The address of a gateway, known for ten minutes and
 * heard in the last, that goes to another station is a hard fact of 34 nats: it happens when a gateway
 * is replaced in operation, once in years, and by spoofing. A DHCP
 * server or router beside one that has been known for ten minutes is worth 7 nats at once, so two of
 * them, or one and something else, are an alarm; it happens less than once in a thousand ticks. A new
 * DHCP server of the link that gives a subnet whose gateway is known another one is a fact of 21 nats:
 * a spare server gives the same, and that a subnet gets another gateway from another server is taken
 * to happen to one device in 50,000, once in its life.
 * Virtual router stations (VRRP, HSRP) move on purpose and are left out.
 *
 * What is told of is the station's own address where it has one, else the address that it claims.
 * Every shard sees all messages and keeps the same tables, so each can judge its own entities.
 * Memory: 16,384 addresses and as many stations, about 200 B each. Cold start: contradictions count
 * from the first message; gateways, servers and routers after ten minutes. Evasion: to claim an
 * address whose owner is off, or to claim rarely: caches then forget the lie before it is repeated.
 */
export interface BindingOptions {
  /** P(a claim contradicts a living owner), when nothing is wrong and when caches are poisoned. */
  readonly normal: number;
  readonly attack: number;
  /** An owner that was not heard for this long may have left, us. */
  readonly aliveUs: number;
  /** What was known for this long is settled, us. */
  readonly settledUs: number;
  /** Evidence in a second server or router, and in one that gives another gateway, nats. */
  readonly lnSecondServer: number;
  readonly lnOtherGateway: number;
  readonly addressesMost: number;
  readonly stationsMost: number;
  readonly serversMost: number;
}

export const BINDING_DEFAULTS: BindingOptions = {
  normal: 0.01,
  attack: 0.6,
  aliveUs: 60e6,
  settledUs: 600e6,
  lnSecondServer: 7,
  lnOtherGateway: 21,
  addressesMost: 16_384,
  stationsMost: 16_384,
  serversMost: 256,
};

const LANE = LANE_INDEX.binding;

/** Upper three bytes and more of stations that several routers share: VRRP (RFC 9568), HSRP, CARP. */
const SHARED_STATIONS: readonly (readonly [first: number, last: number])[] = [
  [0x00005e000100, 0x00005e0002ff],
  [0x00000c07ac00, 0x00000c07acff],
  [0x00000c9ff000, 0x00000c9fffff],
  [0x0005735ff000, 0x0005735fffff],
];

/** What is said of an entity. */
class BindingState implements EntityState {
  station = '';
  victims = new Set<string>();
  contradictions = 0;
  firstUs = 0;
  lastUs = 0;
  headline = '';

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    out.text(this.station);
    out.u32(this.victims.size);
    for (const victim of this.victims) out.text(victim);
    out.f64s([this.contradictions, this.firstUs, this.lastUs]);
    out.text(this.headline);
  }

  restore(from: StateReader): void {
    this.station = from.text();
    const n = from.count(VICTIMS_MOST);
    for (let i = 0; i < n; i++) this.victims.add(from.text());
    this.contradictions = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.headline = from.text();
  }
}

/** Addresses that evidence names, at most. */
const VICTIMS_NAMED = 3;
const VICTIMS_MOST = 64;

class BindingDetector implements Detector {
  readonly name = 'binding';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['binding'];
  readonly eventsOfLinks = [EventType.ARP, EventType.ND, EventType.DHCP];
  readonly #slot: number;
  readonly #options: BindingOptions;
  readonly #link = new LinkReader();
  readonly #addresses: RecencyMap<LinkAddress>;
  readonly #stations: RecencyMap<LinkStation>;
  readonly #servers: RecencyMap<LinkServer>;
  readonly #routers: RecencyMap<LinkServer>;
  readonly #gateways = new Set<string>();

  constructor(slot: number, options: BindingOptions) {
    this.#slot = slot;
    this.#options = options;
    this.#addresses = tableOf(options.addressesMost, () => new LinkAddress());
    this.#stations = tableOf(options.stationsMost, () => new LinkStation());
    this.#servers = tableOf(options.serversMost, () => new LinkServer());
    this.#routers = tableOf(options.serversMost, () => new LinkServer());
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    switch (this.#link.read(event, context)) {
      case LinkMessage.CLAIM:
        this.#onClaim(event, context);
        break;
      case LinkMessage.DHCP_OFFER:
        this.#onServer(this.#servers, 'DHCP server', { event, context });
        this.#learnGateway();
        break;
      case LinkMessage.ROUTER:
        this.#onServer(this.#routers, 'IPv6 router', { event, context });
        break;
      case LinkMessage.NOTHING:
        break;
    }
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as BindingState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as BindingState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    this.#stateOf(entity).restore(from);
  }

  saveShared(out: StateWriter): void {
    saveTable(this.#addresses, out);
    saveTable(this.#stations, out);
    saveTable(this.#servers, out);
    saveTable(this.#routers, out);
    out.u32(this.#gateways.size);
    for (const gateway of this.#gateways) out.text(gateway);
  }

  /** All shards wrote the same, so what the second and later ones wrote changes nothing. */
  restoreShared(from: StateReader): void {
    restoreTable(this.#addresses, from);
    restoreTable(this.#stations, from);
    restoreTable(this.#servers, from);
    restoreTable(this.#routers, from);
    const n = from.count(this.#options.serversMost);
    for (let i = 0; i < n; i++) this.#gateways.add(from.text());
  }

  #learnGateway(): void {
    const { router } = this.#link;
    if (router !== '' && this.#gateways.size < this.#options.serversMost)
      this.#gateways.add(router);
  }

  #onClaim(event: EventRowView, context: DetectorContext): void {
    const link = this.#link;
    const nowUs = context.timeUs;
    const address = this.#addresses.claim(pairKey(link.key, link.vlan));
    if (address.mac === 0) this.#settle(address, event, nowUs);
    const station = this.#stations.claim(link.mac);
    const isOwner = address.mac === link.mac;
    const ownerLives = nowUs - address.heardUs <= this.#options.aliveUs;
    if (isOwner) address.heardUs = nowUs;
    if (isOwner && station.key === 0) takeAddress(station, link.key, address.bytes);
    const isPlanned = isShared(link.mac) || isShared(address.mac);
    const contradicts =
      !isOwner && ownerLives && !isPlanned && isDisputed(address, link.mac, nowUs);
    this.#bet({ address, station, contradicts, nowUs, context });
    if (isOwner || isPlanned) return;
    if (ownerLives) this.#onMove(address, station, { event, context });
    else this.#settle(address, event, nowUs);
  }

  /** The address belongs to who claims it now. */
  #settle(address: LinkAddress, event: EventRowView, nowUs: number): void {
    const { addressAt, mac } = this.#link;
    if (address.text === '') {
      address.bytes.set(event.u8.subarray(addressAt, addressAt + 16));
      address.text = formatAddress(address.bytes, 0);
    }
    address.mac = mac;
    address.contender = 0;
    address.sinceUs = nowUs;
    address.heardUs = nowUs;
  }

  #bet({ address, station, contradicts, nowUs, context }: Claim): void {
    const { normal, attack } = this.#options;
    const { walk } = station;
    // A station that nothing was ever said against is the rule, and costs nothing.
    if (!contradicts && walk.value <= Walk.START) return;
    const lnE = contradicts ? Math.log(attack / normal) : Math.log((1 - attack) / (1 - normal));
    const isBet = walk.isBetOn;
    walk.advance(lnE);
    const entity = this.#accused(station, address, context);
    if (entity === null) return;
    const state = this.#stateOf(entity);
    if (contradicts) this.#note(state, address, { isOwn: station.key === 0, nowUs });
    if (!isBet || !context.bet(entity, LANE, lnE)) return;
    this.#explain({ state, address, lnE, entity, context });
  }

  #note(
    state: BindingState,
    address: LinkAddress,
    { isOwn, nowUs }: { readonly isOwn: boolean; readonly nowUs: number },
  ): void {
    if (state.contradictions === 0) state.firstUs = nowUs;
    state.contradictions++;
    state.lastUs = nowUs;
    state.station = formatMac(this.#link.mac);
    if (state.victims.size < VICTIMS_MOST) state.victims.add(address.text);
    state.headline = isOwn ? disputeOf(state) : contradictionOf(state);
  }

  /** A gateway's address went to another station. */
  #onMove(address: LinkAddress, station: LinkStation, { event, context }: Said): void {
    const { mac } = this.#link;
    if (!this.#gateways.has(address.text) || address.toldOf === mac) return;
    const knownUs = context.timeUs - address.sinceUs;
    if (knownUs < this.#options.settledUs) return;
    address.toldOf = mac;
    const entity = this.#accused(station, address, context);
    if (entity === null) return;
    const state = this.#stateOf(entity);
    const before = formatMac(address.mac);
    state.headline = `claims the gateway ${address.text} for ${formatMac(mac)}, which was ${before} for ${lasting(knownUs)}`;
    if (!context.bet(entity, LANE, LN_E_MOST)) return;
    this.#say(entity, context, {
      other: address.text,
      t0Us: event.tsUs,
      lnE: LN_E_MOST,
      reason: state.headline,
      feature: featureOf('stations of the gateway address', 2, 1),
    });
  }

  #onServer(servers: RecencyMap<LinkServer>, what: string, { event, context }: Said): void {
    const nowUs = context.timeUs;
    const key = pairKey(event.origKey, this.#link.vlan);
    const isNew = servers.peek(key) === undefined;
    let oldest = Infinity;
    if (isNew) for (const server of servers.values()) oldest = Math.min(oldest, server.sinceUs);
    const server = servers.claim(key);
    if (!isNew) return;
    server.sinceUs = nowUs;
    if (nowUs - oldest < this.#options.settledUs || !context.owns(event.origKey)) return;
    const entity = context.sender();
    const state = this.#stateOf(entity);
    state.headline = `began to answer as ${what} beside one that has been known for ${lasting(nowUs - oldest)}`;
    const { lnSecondServer, lnOtherGateway } = this.#options;
    const ousted = this.#oustedGateway();
    if (ousted !== null) state.headline += `, with ${this.#link.router} for the gateway ${ousted}`;
    const lnE = ousted === null ? lnSecondServer : lnOtherGateway;
    if (!context.bet(entity, LANE, lnE)) return;
    this.#say(entity, context, {
      other: ousted,
      t0Us: event.tsUs,
      lnE,
      reason: state.headline,
      feature: featureOf(`new ${what}s of the link`, 1, 0),
    });
  }

  /** The known gateway of the subnet for which a lease names another one; null when there is none. */
  #oustedGateway(): string | null {
    const { router, assigned, mask, isRelayed } = this.#link;
    const subnet = ipv4Of(mask);
    if (isRelayed || router === '' || subnet === 0 || this.#gateways.has(router)) return null;
    const base = ipv4Of(assigned) & subnet;
    for (const gateway of this.#gateways) {
      if ((ipv4Of(gateway) & subnet) === base) return gateway;
    }
    return null;
  }

  /** Whom to tell of, if this shard judges it. */
  #accused(station: LinkStation, address: LinkAddress, context: DetectorContext): Entity | null {
    const key = station.key === 0 ? this.#link.key : station.key;
    if (!context.owns(key)) return null;
    const { bytes } = station.key === 0 ? address : station;
    return context.entity({ key, kind: 'device', isProven: false, bytes, at: 0 });
  }

  #stateOf(entity: Entity): BindingState {
    return (entity.slots[this.#slot] ??= new BindingState()) as BindingState;
  }

  #explain({ state, address, lnE, entity, context }: Won): void {
    this.#say(entity, context, {
      other: address.text,
      t0Us: state.firstUs,
      lnE,
      reason: state.headline,
      feature: featureOf(
        'claims of an address that a living station has',
        state.contradictions,
        Math.ceil(state.contradictions * this.#options.normal),
      ),
    });
  }

  #say(entity: Entity, context: DetectorContext, { feature, ...said }: Saying): void {
    context.explain(entity, LANE, {
      ...said,
      p: pOfLnE(said.lnE),
      features: [{ ...feature, lnEShare: said.lnE }],
      flows: [],
    });
  }
}

interface Said {
  readonly event: EventRowView;
  readonly context: DetectorContext;
}

interface Claim {
  readonly address: LinkAddress;
  readonly station: LinkStation;
  readonly contradicts: boolean;
  readonly nowUs: number;
  readonly context: DetectorContext;
}

interface Won {
  readonly state: BindingState;
  readonly address: LinkAddress;
  readonly lnE: number;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

interface Saying {
  readonly other: string | null;
  readonly t0Us: number;
  readonly lnE: number;
  readonly reason: string;
  readonly feature: Omit<FeatureShare, 'lnEShare'>;
}

export function createBindingDetector(
  slot: number,
  options: Partial<BindingOptions> = {},
): Detector {
  return new BindingDetector(slot, { ...BINDING_DEFAULTS, ...options });
}

function takeAddress(station: LinkStation, key: number, bytes: Uint8Array): void {
  station.key = key;
  station.bytes.set(bytes);
}

/** True when the owner has spoken since this contender began: it did not just hand its address on. */
function isDisputed(address: LinkAddress, mac: number, nowUs: number): boolean {
  if (address.contender !== mac) {
    address.contender = mac;
    address.contestedUs = nowUs;
  }
  return address.heardUs > address.contestedUs;
}

function isShared(mac: number): boolean {
  return SHARED_STATIONS.some(([first, last]) => mac >= first && mac <= last);
}

function featureOf(
  feature: string,
  observed: number,
  expected: number,
): Omit<FeatureShare, 'lnEShare'> {
  return {
    feature,
    observed,
    expectedMedian: expected,
    expectedP99: expected,
    scope: 'default',
    nRef: 0,
  };
}

/** Of an address whose other station has none of its own. */
function disputeOf({ station, contradictions, firstUs, lastUs }: BindingState): string {
  const times = counted(contradictions, 'time');
  return `is also claimed by station ${station}, ${times} in ${lasting(lastUs - firstUs)} while its owner was there`;
}

function contradictionOf(state: BindingState): string {
  const named = [...state.victims].slice(0, VICTIMS_NAMED).join(', ');
  const others = state.victims.size - VICTIMS_NAMED;
  const more = others > 0 ? ` and ${counted(others, 'more')}` : '';
  const span = lasting(state.lastUs - state.firstUs);
  return `(station ${state.station}) claimed ${named}${more} ${counted(state.contradictions, 'time')} in ${span} while the owner was there`;
}

/** 0 for what is no IPv4 address. */
function ipv4Of(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return 0;
  return parts.reduce((word, part) => (word << 8) | part, 0);
}
