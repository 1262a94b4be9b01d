import { formatAddress } from '../batch/address.js';
import { EVENT_SCHEMA, EventField, EventType } from '../batch/generated/event_schema.js';
import { APP_NAMES } from '../batch/generated/names.js';
import {
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type EventRowView,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { TlvReader, toObject, type TlvObject, type TlvValue } from '../batch/tlv.js';
import type { DeviceRecord, Lease, Upload } from '../domain/device.js';
import type { Incident } from '../domain/incident.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { guessClass } from '../models/device_class.js';
import {
  DeviceTable,
  HOURS_OF_WEEK,
  identityText,
  placeOf,
  type Device,
} from '../models/device_table.js';
import { pairKey, textKey } from '../models/key_set.js';
import { PeerGroups, sketchOf } from '../models/peer_groups.js';
import { RecentNames } from '../models/recent_names.js';

const Detail = EventField.FLOW_DETAIL;
const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;
/** An incident takes in what happens within so long. */
const INCIDENT_US = 6 * HOUR_US;
/** The first hour of 1970 was the 72nd of its week, which begins on Mondays. */
const FIRST_HOUR = 72;
const NO_VLAN = 0xffff;
const NO_LEASE = { address: '0.0.0.0', time: 0xffffffff } as const;
const REQUESTS_MOST = 4096;
const ADDRESSES_MOST = 65_536;
const LEASES_SHOWN = 64;
const APPS_SHOWN = 16;
/** Ports above are chosen by chance, unless an application is known there. */
const SERVICE_PORT_MOST = 32_767;
const HINT_CHARS = 96;

/** What a client asked DHCP for, until it is answered. */
interface DhcpRequest {
  readonly device: Device;
}

/**
 * What devices there are, made of what a run publishes, in its total order: who had which address
 * when, what each offers and uses, what it seems to be, and which others it is like.
 *
 * A flow is the device's that had the address when the flow began. Addresses are bound by ARP,
 * neighbour discovery and DHCP, and within tunnels by what signalling said of their subscriber.
 */
export class Inventory {
  readonly #table = new DeviceTable();
  readonly #groups = new PeerGroups();
  readonly #requests = new RecentNames<DhcpRequest>(REQUESTS_MOST);
  /** Texts of addresses by their keys: most flows are of few hosts. */
  readonly #texts = new Map<number, string>();
  readonly #fields = new TlvReader();
  readonly #inner = new TlvReader();
  #day = -Infinity;

  get stats(): { readonly devices: number; readonly evictions: number } {
    return { devices: this.#table.size, evictions: this.#table.evictions };
  }

  onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#passTime(row.timeUs);
    const isProven = (row.flags & FlowFlags.BOTH_DIRECTIONS) !== 0;
    const subscriber = this.#subscriberOf(detail);
    const orig = this.#sideOf(row, { isOriginator: true, isProven, subscriber });
    const resp = this.#sideOf(row, { isOriginator: false, isProven, subscriber });
    if (orig !== undefined) this.#uses(orig, row, detail);
    if (resp !== undefined && isProven) this.#offers(resp, row);
  }

  onEvent(row: EventRowView, body: Uint8Array): void {
    if (row.type === EventType.HTTP) this.#http(row, body);
    const reader = READERS.get(row.type);
    if (reader === undefined) return;
    this.#passTime(row.timeUs);
    const schema = EVENT_SCHEMA.get(row.type)!.fields;
    const fields = toObject(schema, body, { at: 0, length: body.length });
    this[reader](fields, row);
  }

  /** Whoever is part of an incident teaches nothing for as long as it may grow. */
  onIncident(incident: Incident): void {
    for (const address of [incident.entity.address, ...incident.others]) {
      const device = this.#table.at(address, incident.openedUs);
      if (device === undefined) continue;
      const untilUs = incident.openedUs + INCIDENT_US;
      device.suspectUntilUs = Math.max(device.suspectUntilUs, untilUs);
    }
  }

  /** All devices that were there, the first met first. */
  records(): DeviceRecord[] {
    this.#regroup((device) => !this.#groups.has(device.number));
    const leases = this.#leasesByDevice();
    return this.#table.all().map((device) => this.#record(device, leases.get(device) ?? []));
  }

  /** Applications are written by their numbers, which never change. */
  save(out: StateWriter): void {
    out.f64(this.#day);
    this.#table.save(out);
    this.#groups.save(out);
  }

  /** Goes on with the devices of an earlier run. REQUIRES: nothing was seen yet. */
  restore(from: StateReader): void {
    this.#day = from.time(DAY_US);
    this.#table.restore(from);
    this.#groups.restore(from);
  }

  arp(fields: TlvObject, row: EventRowView): void {
    const mac = macText(fields['src_mac']);
    const address = textOf(fields['src_ip']);
    if (mac === '' || address === '' || address === '0.0.0.0') return;
    const place = placeOf(address, vlanOf(fields['vlan']));
    this.#table.bindMac(mac, place, { atUs: row.timeUs, untilUs: null });
  }

  nd(fields: TlvObject, row: EventRowView): void {
    const mac = macText(fields['mac']);
    const type = textOf(fields['type']);
    const isAdvertised = type === 'neighbor_advertisement';
    const address = isAdvertised ? textOf(fields['target']) : formatAddress(row.srcAddr, 0);
    if (mac === '' || address === '::' || address === '') return;
    const place = placeOf(address, vlanOf(fields['vlan']));
    const device = this.#table.bindMac(mac, place, { atUs: row.timeUs, untilUs: null });
    if (type === 'router_advertisement' && fields['router_lifetime'] !== 0) {
      device.hints.add('role gateway');
    }
  }

  dhcp(fields: TlvObject, row: EventRowView): void {
    const mac = macText(fields['client_mac']);
    const type = textOf(fields['dhcp_type']);
    if (mac === '') return;
    if (fields['type'] === 'request') {
      if (type === 'release') this.#table.leases.release(textOf(fields['client_ip']), row.timeUs);
      else this.#requests.set(mac, { device: this.#askDhcp(mac, fields, row.timeUs) });
      return;
    }
    const server = this.#table.at(formatAddress(row.srcAddr, 0), row.timeUs);
    server?.hints.add('role dhcp server');
    const address = textOf(fields['assigned_ip']);
    const request = this.#requests.get(mac);
    if (type !== 'ack' || request === undefined || address === NO_LEASE.address) return;
    const seconds = fields['lease_time'] as number | undefined;
    const isForEver = seconds === undefined || seconds === NO_LEASE.time;
    const untilUs = isForEver ? null : row.timeUs + seconds * 1e6;
    this.#table.lease(request.device, address, { atUs: row.timeUs, untilUs });
    for (const router of listOf(fields['routers'])) {
      this.#table.at(textOf(router), row.timeUs)?.hints.add('role gateway');
    }
  }

  mdns(fields: TlvObject, row: EventRowView): void {
    if (fields['type'] !== 'response') return;
    const device = this.#senderOf(row);
    if (device === undefined) return;
    for (const record of [...listOf(fields['answers']), ...listOf(fields['additionals'])]) {
      const { rrname, rrtype } = record as TlvObject;
      const name = textOf(rrname);
      const service = /(_[\w-]+\._(?:tcp|udp))\.local$/.exec(name)?.[1];
      if (service !== undefined) addHint(device, `mdns ${service}`);
      else if (rrtype === 'a' || rrtype === 'aaaa') device.addName(name.replace(/\.local$/, ''));
    }
  }

  ssdp(fields: TlvObject, row: EventRowView): void {
    if (fields['type'] === 'search') return;
    const device = this.#senderOf(row);
    if (device === undefined) return;
    for (const field of ['server', 'notification_type', 'search_target', 'usn']) {
      const text = textOf(fields[field]);
      if (text !== '') addHint(device, `ssdp ${text}`);
    }
  }

  nbns(fields: TlvObject, row: EventRowView): void {
    if (fields['opcode'] !== 'registration') return;
    this.#senderOf(row)?.addName(textOf(fields['name']));
  }

  /** There are many, of which one field is wanted. */
  #http(row: EventRowView, body: Uint8Array): void {
    const fields = this.#fields.open(body, 0, body.length);
    while (fields.next()) {
      if (fields.number !== EventField.HTTP.HTTP_USER_AGENT) continue;
      const agent = fields.text();
      const device = this.#senderOf(row);
      if (device !== undefined) addHint(device, `agent ${agent}`);
      return;
    }
  }

  #askDhcp(mac: string, fields: TlvObject, atUs: number): Device {
    const name = textOf(fields['hostname']);
    const id = textOf(fields['client_id']);
    const params = listOf(fields['params']).map(textOf).join(',');
    const vendor = textOf(fields['vendor_class_identifier']);
    // An id that only repeats the hardware address says nothing more than it.
    const own = id.endsWith(mac) ? '' : id;
    const called = own === '' && name === '' ? '' : `${own || name}/${hexKey(params + vendor)}`;
    const device = this.#table.ofDhcp(mac, called, atUs);
    device.addName(name);
    if (vendor !== '') addHint(device, `dhcp ${vendor}`);
    if (params !== '') addHint(device, `options ${params}`);
    return device;
  }

  #senderOf(row: EventRowView): Device | undefined {
    return this.#table.at(formatAddress(row.srcAddr, 0), row.timeUs);
  }

  /** Undefined where it is no device of this network, or nothing shows that it is there. */
  #sideOf(
    row: FlowRowView,
    side: { isOriginator: boolean; isProven: boolean; subscriber: Subscriber | null },
  ): Device | undefined {
    const { isOriginator, isProven, subscriber } = side;
    const address = this.#textOf(row, isOriginator);
    if (subscriber?.address === address) return this.#table.ofSubscriber(subscriber.imsi);
    const internal = isOriginator ? FlowRoles.ORIGINATOR_INTERNAL : FlowRoles.RESPONDER_INTERNAL;
    if ((row.roles & internal) === 0) return undefined;
    if (!isOriginator && (row.flags & FlowFlags.MULTICAST) !== 0) return undefined;
    const vlan = row.vlanOuter === NO_VLAN ? null : row.vlanOuter;
    const known =
      this.#table.at(placeOf(address, vlan), row.tsFirstUs) ??
      (vlan === null ? undefined : this.#table.at(address, row.tsFirstUs));
    if (known !== undefined || !isProven) return known;
    return this.#table.atOrNew(placeOf(address, vlan), row.tsFirstUs);
  }

  #uses(device: Device, row: FlowRowView, detail: Uint8Array): void {
    device.see(row.tsFirstUs);
    device.see(row.tsLastUs);
    device.flows++;
    device.bytesOut += row.origBytes;
    device.bytesIn += row.respBytes;
    device.hours[hourOf(row.tsFirstUs)]!++;
    const isOut = (row.roles & FlowRoles.RESPONDER_INTERNAL) === 0;
    if (isOut && (row.flags & FlowFlags.MULTICAST) === 0) device.upload(row.origBytes, row.timeUs);
    device.apps.add(row.app);
    if (row.respPort <= SERVICE_PORT_MOST) device.ports.add(row.protocol * 0x10000 + row.respPort);
    const site = pairKey(row.nameHash(0), row.nameHash(1));
    if (row.nameHash(0) !== 0 || row.nameHash(1) !== 0) device.sites.add(site);
    const [low, high] = [row.clientFingerprint(0), row.clientFingerprint(1)];
    if (low !== 0 || high !== 0) device.fingerprints.add(pairKey(low, high));
    if (row.origSyns === 0) return;
    const fields = this.#fields.open(detail, 0, detail.length);
    while (fields.next()) {
      if (fields.number === Detail.ORIG_TCP_OPTIONS) addHint(device, `syn ${fields.text()}`);
    }
  }

  #offers(device: Device, row: FlowRowView): void {
    device.see(row.tsFirstUs);
    device.see(row.tsLastUs);
    device.bytesOut += row.respBytes;
    device.bytesIn += row.origBytes;
    const isKnown = row.app > LAST_UNNAMED_APP;
    if (row.respPort === 0 || (row.respPort > SERVICE_PORT_MOST && !isKnown)) return;
    if (!PROTOCOLS_WITH_PORTS.has(row.protocol)) return;
    const service = device.service(row.protocol, row.respPort);
    if (service === null) return;
    service.meet(row.origKey);
    if (isKnown) service.app = row.app;
  }

  #subscriberOf(detail: Uint8Array): Subscriber | null {
    const fields = this.#fields.open(detail, 0, detail.length);
    while (fields.next()) {
      if (fields.number !== Detail.SUBSCRIBER_ID) continue;
      let imsi = '';
      let address = '';
      const inner = this.#inner.enter(fields);
      while (inner.next()) {
        if (inner.number === Detail.SUBSCRIBER.IMSI) imsi = inner.text();
        if (inner.number === Detail.SUBSCRIBER.UE_ADDRESS) address = inner.text();
      }
      return imsi === '' ? null : { imsi, address };
    }
    return null;
  }

  #textOf(row: FlowRowView, isOriginator: boolean): string {
    const key = isOriginator ? row.origKey : row.respKey;
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    if (this.#texts.size >= ADDRESSES_MOST) this.#texts.clear();
    const side = isOriginator ? FlowRowOffset.origAddr : FlowRowOffset.respAddr;
    const text = formatAddress(row.u8, row.at + side);
    this.#texts.set(key, text);
    return text;
  }

  #passTime(nowUs: number): void {
    const day = Math.floor(nowUs / DAY_US);
    if (day <= this.#day) return;
    if (this.#day !== -Infinity) this.#regroup(() => true);
    this.#day = day;
  }

  /** At the end of a day, of all; at the end of a run, of those that no day has grouped yet. */
  #regroup(isMeant: (device: Device) => boolean): void {
    const devices = this.#table.all();
    this.#groups.keepOnly(new Set(devices.map((device) => device.number)));
    const isActive = (device: Device): boolean => device.flows > 0 || device.services.size > 0;
    const meant = devices.filter((device) => isActive(device) && isMeant(device));
    this.#groups.assign(
      meant.map((device) => ({ number: device.number, sketch: sketchOf(device) })),
    );
  }

  #leasesByDevice(): Map<Device, Lease[]> {
    const leases = new Map<Device, Lease[]>();
    for (const { place, owner, fromUs, untilUs } of this.#table.leases.all()) {
      const [address, vlan] = place.split('%') as [string, string?];
      const lease = {
        address,
        vlan: vlan === undefined ? null : Number(vlan),
        fromUs,
        untilUs: untilUs === Infinity ? null : untilUs,
      };
      const known = leases.get(owner);
      if (known === undefined) leases.set(owner, [lease]);
      else if (known.length < LEASES_SHOWN) known.push(lease);
    }
    return leases;
  }

  #record(device: Device, leases: readonly Lease[]): DeviceRecord {
    const guess = guessClass(device);
    const services = [...device.services.values()].sort(
      (a, b) => a.protocol - b.protocol || a.port - b.port,
    );
    return {
      id: identityText(device.identity),
      kind: device.identity.kind,
      identities: device.identities.map(identityText),
      names: device.names,
      leases: [...leases].sort((a, b) => a.fromUs - b.fromUs),
      class: guess.name,
      confidence: guess.confidence,
      because: guess.because,
      firstSeenUs: device.firstSeenUs,
      lastSeenUs: device.lastSeenUs,
      flows: device.flows,
      bytesOut: device.bytesOut,
      bytesIn: device.bytesIn,
      services: services.map(({ protocol, port, app, flows, clients }) => {
        return { protocol, port, app: appName(app), flows, clients: clients.size };
      }),
      apps: device.apps.top(APPS_SHOWN).map(([app, count]) => ({ name: appName(app), count })),
      upload: uploadOf(device),
      group: this.#groups.groupOf(device.number),
    };
  }
}

interface Subscriber {
  readonly imsi: string;
  readonly address: string;
}

function uploadOf({ uploads }: Device): Upload | null {
  if (uploads === null) return null;
  const { usualBytes, lastDayBytes, days, driftNats } = uploads;
  const known = (bytes: number): number | null => (days === 0 ? null : Math.round(bytes));
  return { usualBytes: known(usualBytes), lastDayBytes: known(lastDayBytes), days, driftNats };
}

const PROTOCOLS_WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 132]);

/** "unknown" and "failed" are the first two applications. */
const LAST_UNNAMED_APP = 1;

type Reader = 'arp' | 'nd' | 'dhcp' | 'mdns' | 'ssdp' | 'nbns';

const READERS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [EventType.ARP, 'arp'],
  [EventType.ND, 'nd'],
  [EventType.DHCP, 'dhcp'],
  [EventType.MDNS, 'mdns'],
  [EventType.SSDP, 'ssdp'],
  [EventType.NBNS, 'nbns'],
]);

const appName = (app: number): string => APP_NAMES[app] ?? 'unknown';

function hourOf(us: number): number {
  return (Math.floor(us / HOUR_US) + FIRST_HOUR) % HOURS_OF_WEEK;
}

function addHint(device: Device, hint: string): void {
  device.hints.add(hint.slice(0, HINT_CHARS));
}

const hexKey = (text: string): string => textKey(text).toString(16).padStart(8, '0');

const textOf = (value: TlvValue | undefined): string => (typeof value === 'string' ? value : '');

const listOf = (value: TlvValue | undefined): readonly TlvValue[] =>
  Array.isArray(value) ? (value as readonly TlvValue[]) : [];

/** "" where there is none, or where it is everybody's. */
function macText(value: TlvValue | undefined): string {
  const hex = textOf(value);
  if (hex.length !== 12 || /^(0+|f+)$/.test(hex)) return '';
  return hex.replace(/(..)(?!$)/g, '$1:');
}

/** The outermost tag. */
function vlanOf(value: TlvValue | undefined): number | null {
  const [outer] = listOf(value);
  return typeof outer === 'number' ? outer : null;
}
