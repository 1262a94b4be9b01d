import type { IdentityKind } from '../domain/device.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { AddressLeases, type Claim } from './address_leases.js';
import { TopCounts } from './top_counts.js';
import { UploadHabit } from './upload_habit.js';

/** What identifies a device: "mac 00:16:3e:14:00:05". */
export interface Identity {
  readonly kind: IdentityKind;
  readonly value: string;
}

/** In the order of their strength. */
export const IDENTITY_KINDS: readonly IdentityKind[] = ['imsi', 'dhcp', 'mac', 'random_mac', 'ip'];

const NAMES_MOST = 16;
const SERVICES_MOST = 64;
const CLIENTS_MOST = 256;
const APPS_MOST = 32;
const SITES_MOST = 64;
const FINGERPRINTS_MOST = 16;
const HINTS_MOST = 32;
const IDENTITIES_MOST = 32;
export const HOURS_OF_WEEK = 168;

/** A service that a device offers. */
export class Service {
  readonly protocol: number;
  readonly port: number;
  readonly clients = new Set<number>();
  app = 0;
  flows = 0;

  constructor(protocol: number, port: number) {
    this.protocol = protocol;
    this.port = port;
  }

  save(out: StateWriter): void {
    out.u8(this.protocol);
    out.u32(this.port);
    out.u32(this.app);
    out.f64(this.flows);
    out.u32(this.clients.size);
    for (const client of this.clients) out.f64(client);
  }

  static restored(from: StateReader): Service {
    const service = new Service(from.u8(), from.u32());
    service.app = from.u32();
    service.flows = from.natural();
    const n = from.count(CLIENTS_MOST);
    for (let i = 0; i < n; i++) service.clients.add(from.natural());
    return service;
  }

  meet(client: number): void {
    this.flows++;
    if (this.clients.size < CLIENTS_MOST) this.clients.add(client);
  }
}

/** What is known of one device. All of it is bounded: about 11 kB when full. */
export class Device {
  readonly number: number;
  readonly identities: Identity[] = [];
  readonly names: string[] = [];
  firstSeenUs = Infinity;
  lastSeenUs = -Infinity;
  flows = 0;
  bytesOut = 0;
  bytesIn = 0;
  readonly services = new Map<number, Service>();
  /** Applications by number, ports that it used, names by their hash, fingerprints. */
  readonly apps = new TopCounts<number>(APPS_MOST);
  readonly ports = new TopCounts<number>(APPS_MOST);
  readonly sites = new TopCounts<number>(SITES_MOST);
  readonly fingerprints = new TopCounts<number>(FINGERPRINTS_MOST);
  /** How its system and its programs present themselves: "dhcp MSFT 5.0", "syn mss,sok,ts,nop,ws". */
  readonly hints = new TopCounts<string>(HINTS_MOST);
  readonly hours = new Uint32Array(HOURS_OF_WEEK);
  /** Null until it sends something out of the network. */
  uploads: UploadHabit | null = null;
  /** Until then it is part of an incident, and teaches nothing. */
  suspectUntilUs = -Infinity;

  constructor(number: number) {
    this.number = number;
  }

  /** The strongest identity. */
  get identity(): Identity {
    return this.identities[0]!;
  }

  see(atUs: number): void {
    this.firstSeenUs = Math.min(this.firstSeenUs, atUs);
    this.lastSeenUs = Math.max(this.lastSeenUs, atUs);
  }

  identify(identity: Identity): void {
    if (this.identities.length >= IDENTITIES_MOST) return;
    this.identities.push(identity);
    this.identities.sort((a, b) => strengthOf(a) - strengthOf(b));
  }

  addName(name: string): void {
    if (name === '' || this.names.includes(name) || this.names.length >= NAMES_MOST) return;
    this.names.push(name);
  }

  /** Null when it offers too many to remember another one. */
  service(protocol: number, port: number): Service | null {
    const key = serviceKey(protocol, port);
    const known = this.services.get(key);
    if (known !== undefined) return known;
    if (this.services.size >= SERVICES_MOST) return null;
    const service = new Service(protocol, port);
    this.services.set(key, service);
    return service;
  }

  save(out: StateWriter): void {
    out.u32(this.number);
    out.u32(this.identities.length);
    for (const { kind, value } of this.identities) {
      out.u8(IDENTITY_KINDS.indexOf(kind));
      out.text(value);
    }
    out.u32(this.names.length);
    for (const name of this.names) out.text(name);
    out.f64s([this.firstSeenUs, this.lastSeenUs, this.flows, this.bytesOut, this.bytesIn]);
    out.u32(this.services.size);
    for (const service of this.services.values()) service.save(out);
    for (const counts of this.#counts) counts.save(out, (key) => out.f64(key));
    this.hints.save(out, (hint) => out.text(hint));
    out.f64s(this.hours);
    out.f64(this.suspectUntilUs);
    out.flag(this.uploads !== null);
    this.uploads?.save(out);
  }

  static restored(from: StateReader): Device {
    const device = new Device(from.u32());
    const identities = from.count(IDENTITIES_MOST);
    for (let i = 0; i < identities; i++) {
      device.identities.push({ kind: IDENTITY_KINDS[from.u8()] ?? 'ip', value: from.text() });
    }
    const names = from.count(NAMES_MOST);
    for (let i = 0; i < names; i++) device.names.push(from.text());
    device.firstSeenUs = from.time();
    device.lastSeenUs = from.time();
    device.flows = from.natural();
    device.bytesOut = from.natural();
    device.bytesIn = from.natural();
    const services = from.count(SERVICES_MOST);
    for (let i = 0; i < services; i++) {
      const service = Service.restored(from);
      device.services.set(serviceKey(service.protocol, service.port), service);
    }
    for (const counts of device.#counts) counts.restore(from, () => from.natural());
    device.hints.restore(from, () => from.text());
    device.hours.set(from.f64s(HOURS_OF_WEEK));
    device.suspectUntilUs = from.time();
    if (!from.flag()) return device;
    device.uploads = new UploadHabit();
    device.uploads.restore(from);
    return device;
  }

  get #counts(): readonly TopCounts<number>[] {
    return [this.apps, this.ports, this.sites, this.fingerprints];
  }

  /** It has sent so much out of the network. */
  upload(bytes: number, atUs: number): void {
    this.uploads ??= new UploadHabit();
    this.uploads.add(bytes, atUs, atUs > this.suspectUntilUs);
  }

  /** Takes over what was seen of it under another identity. */
  absorb(other: Device): void {
    for (const name of other.names) this.addName(name);
    this.firstSeenUs = Math.min(this.firstSeenUs, other.firstSeenUs);
    this.lastSeenUs = Math.max(this.lastSeenUs, other.lastSeenUs);
    this.flows += other.flows;
    this.bytesOut += other.bytesOut;
    this.bytesIn += other.bytesIn;
    for (const theirs of other.services.values()) {
      const own = this.service(theirs.protocol, theirs.port);
      if (own === null) break;
      own.app ||= theirs.app;
      own.flows += theirs.flows;
      for (const client of theirs.clients) {
        if (own.clients.size < CLIENTS_MOST) own.clients.add(client);
      }
    }
    this.apps.addAll(other.apps);
    this.ports.addAll(other.ports);
    this.sites.addAll(other.sites);
    this.fingerprints.addAll(other.fingerprints);
    this.hints.addAll(other.hints);
    other.hours.forEach((n, hour) => (this.hours[hour]! += n));
    this.uploads ??= other.uploads;
    this.suspectUntilUs = Math.max(this.suspectUntilUs, other.suspectUntilUs);
  }
}

const serviceKey = (protocol: number, port: number): number => protocol * 0x10000 + port;

function strengthOf({ kind }: Identity): number {
  return IDENTITY_KINDS.indexOf(kind);
}

export function identityText({ kind, value }: Identity): string {
  return `${kind.replace('_', ' ')} ${value}`;
}

/** True for an address that the device made up: the locally administered bit (IEEE 802c). */
export function isRandomMac(mac: string): boolean {
  return (parseInt(mac.slice(0, 2), 16) & 0x02) !== 0;
}

/** An address in its segment, as a key. */
export function placeOf(address: string, vlan: number | null): string {
  return vlan === null ? address : `${address}%${vlan}`;
}

export const DEVICE_TABLE_DEFAULTS = { devicesMost: 16_384 } as const;

/** A device that was seen since so long cannot have come back under another made-up address. */
const ABSENT_US = 600e6;

/**
 * Devices by whatever names them, and who had which address when.
 *
 * A device of which only an address is known is a stopgap: when that address is first bound to a
 * stronger identity, what was seen of it is that device's. From then on a later owner of the address
 * takes nothing over. Made-up hardware addresses are joined by what DHCP says of their bearer, if
 * the device that was so called before is absent.
 *
 * 16,384 devices, about 180 MB when all are full; the one seen longest ago gives way, counted.
 */
export class DeviceTable {
  readonly #most: number;
  readonly #byIdentity = new Map<string, Device>();
  /** In the order of use, as far as bindings and flows say. */
  readonly #devices = new Map<number, Device>();
  readonly leases = new AddressLeases<Device>();
  #made = 0;
  evictions = 0;

  constructor(devicesMost: number = DEVICE_TABLE_DEFAULTS.devicesMost) {
    this.#most = devicesMost;
  }

  get size(): number {
    return this.#devices.size;
  }

  /** All devices, in the order in which they were first met. */
  all(): Device[] {
    return [...this.#devices.values()].sort((a, b) => a.number - b.number);
  }

  /** The device with a hardware address, which bears an address from now on. */
  bindMac(mac: string, place: string, claim: Claim): Device {
    const device = this.#ofMac(mac);
    device.see(claim.atUs);
    this.#bind(device, place, claim);
    return device;
  }

  /**
   * The device that asked DHCP.
   * @param called what it said of itself, "" when it said nothing of its own
   */
  ofDhcp(mac: string, called: string, atUs: number): Device {
    const identity: Identity = { kind: 'dhcp', value: called };
    const known = this.#find(macIdentity(mac));
    const before = called === '' ? undefined : this.#find(identity);
    let device = known;
    if (device === undefined && before !== undefined && isRandomMac(mac)) {
      if (before.lastSeenUs < atUs - ABSENT_US) device = before;
    }
    device ??= this.#make();
    this.#call(device, macIdentity(mac));
    if (called !== '' && before === undefined) this.#call(device, identity);
    device.see(atUs);
    this.#renew(device);
    return device;
  }

  /** An address that a device was given. */
  lease(device: Device, place: string, claim: Claim): void {
    this.#bind(device, place, claim);
  }

  ofSubscriber(imsi: string): Device {
    const identity: Identity = { kind: 'imsi', value: imsi };
    const device = this.#find(identity) ?? this.#make();
    this.#call(device, identity);
    this.#renew(device);
    return device;
  }

  /** Whose an address was at a moment; undefined when nobody's. */
  at(place: string, atUs: number): Device | undefined {
    const owner = this.leases.ownerAt(place, atUs);
    const isKept = owner !== undefined && this.#devices.has(owner.number);
    const device = isKept ? owner : this.#find({ kind: 'ip', value: place });
    if (device !== undefined) this.#renew(device);
    return device;
  }

  /** The same, with a stopgap where nobody is known. */
  atOrNew(place: string, atUs: number): Device {
    const known = this.at(place, atUs);
    if (known !== undefined) return known;
    const device = this.#make();
    this.#call(device, { kind: 'ip', value: place });
    return device;
  }

  save(out: StateWriter): void {
    out.u32(this.#made);
    out.u32(this.#devices.size);
    for (const device of this.#devices.values()) out.part(() => device.save(out));
    this.leases.save(out, (device) => device.number);
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    this.#made = from.u32();
    const n = from.count(this.#most);
    for (let i = 0; i < n; i++) {
      const device = Device.restored(from.part());
      this.#devices.set(device.number, device);
      for (const identity of device.identities) {
        this.#byIdentity.set(identityText(identity), device);
      }
    }
    this.leases.restore(from, (number) => this.#devices.get(number));
  }

  #ofMac(mac: string): Device {
    const identity = macIdentity(mac);
    const device = this.#find(identity) ?? this.#make();
    this.#call(device, identity);
    this.#renew(device);
    return device;
  }

  #bind(device: Device, place: string, claim: Claim): void {
    const isFirst = this.leases.isFresh(place);
    this.leases.bind(place, device, claim);
    const stopgap = this.#find({ kind: 'ip', value: place });
    if (!isFirst || stopgap === undefined || stopgap === device) return;
    device.absorb(stopgap);
    this.#forget(stopgap);
  }

  #find(identity: Identity): Device | undefined {
    return this.#byIdentity.get(identityText(identity));
  }

  #call(device: Device, identity: Identity): void {
    const text = identityText(identity);
    if (this.#byIdentity.has(text)) return;
    device.identify(identity);
    if (device.identities.includes(identity)) this.#byIdentity.set(text, device);
  }

  #make(): Device {
    if (this.#devices.size >= this.#most) {
      this.#forget(this.#devices.values().next().value!);
      this.evictions++;
    }
    const device = new Device(++this.#made);
    this.#devices.set(device.number, device);
    return device;
  }

  #renew(device: Device): void {
    if (!this.#devices.delete(device.number)) return;
    this.#devices.set(device.number, device);
  }

  #forget(device: Device): void {
    this.#devices.delete(device.number);
    for (const identity of device.identities) this.#byIdentity.delete(identityText(identity));
  }
}

function macIdentity(mac: string): Identity {
  return { kind: isRandomMac(mac) ? 'random_mac' : 'mac', value: mac };
}
