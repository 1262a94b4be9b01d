import { EventField, EventType } from '../batch/generated/event_schema.js';
import { EventRowOffset, type EventRowView } from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import type { DetectorContext } from './detector.js';

const ARP = EventField.ARP;
const ND = EventField.ND;
const DHCP = EventField.DHCP;
const MAC_BYTES = 6;
const ADVERTISEMENT = 'neighbor_advertisement';
const ROUTER = 'router_advertisement';
const NO_VLAN = 4096;
const NO_RELAY = '0.0.0.0';

/** What one message of the link says, whatever its protocol. */
export const LinkMessage = { NOTHING: 0, CLAIM: 1, ROUTER: 2, DHCP_OFFER: 3 } as const;
export type LinkMessageKind = (typeof LinkMessage)[keyof typeof LinkMessage];

/** Reads `arp`, `nd` and `dhcp` events (native/emit/events/) in place. */
export class LinkReader {
  /** Of a claim: the station, as a number, and the address that it says it has. */
  mac = 0;
  key = 0;
  addressAt = 0;
  vlan = NO_VLAN;
  /** Of a DHCP reply: the first router that it names, the address that it gives, and its mask. */
  router = '';
  assigned = '';
  mask = '';
  /** It came through a relay: its server is of another link. */
  isRelayed = false;
  readonly #fields = new TlvReader();

  read(event: EventRowView, context: DetectorContext): LinkMessageKind {
    this.mac = 0;
    this.addressAt = 0;
    this.vlan = NO_VLAN;
    this.router = '';
    this.assigned = '';
    this.mask = '';
    this.isRelayed = false;
    this.#fields.open(context.bytes, context.bodyAt, context.bodyBytes);
    switch (event.type) {
      case EventType.ARP:
        return this.#readArp(event);
      case EventType.ND:
        return this.#readNd(event);
      default:
        return this.#readDhcp();
    }
  }

  #readArp(event: EventRowView): LinkMessageKind {
    const fields = this.#fields;
    while (fields.next()) {
      if (fields.number === ARP.SRC_MAC) this.mac = macOf(fields);
      else if (fields.number === ARP.SRC_IP) this.addressAt = fields.at;
      else if (fields.number === ARP.VLAN) this.vlan = fields.unsigned();
    }
    this.key = event.origKey;
    return this.#claim();
  }

  #readNd(event: EventRowView): LinkMessageKind {
    const fields = this.#fields;
    let type = '';
    let targetAt = 0;
    let isProbe = false;
    while (fields.next()) {
      if (fields.number === ND.TYPE) type = fields.text();
      else if (fields.number === ND.MAC) this.mac = macOf(fields);
      else if (fields.number === ND.TARGET) targetAt = fields.at;
      else if (fields.number === ND.DUPLICATE_ADDRESS_DETECTION) isProbe = fields.unsigned() !== 0;
      else if (fields.number === ND.VLAN) this.vlan = fields.unsigned();
    }
    const isAboutTarget = type === ADVERTISEMENT;
    this.key = isAboutTarget ? event.respKey : event.origKey;
    this.addressAt = isAboutTarget ? targetAt : event.at + EventRowOffset.srcAddr;
    if (type === ROUTER) return LinkMessage.ROUTER;
    return isProbe || type === 'redirect' ? LinkMessage.NOTHING : this.#claim();
  }

  #readDhcp(): LinkMessageKind {
    const fields = this.#fields;
    let isReply = false;
    while (fields.next()) {
      if (fields.number === DHCP.TYPE) isReply = fields.text() === 'reply';
      else if (fields.number === DHCP.ROUTERS && this.router === '') this.router = fields.text();
      else if (fields.number === DHCP.ASSIGNED_IP) this.assigned = fields.text();
      else if (fields.number === DHCP.SUBNET_MASK) this.mask = fields.text();
      else if (fields.number === DHCP.RELAY_IP) this.isRelayed = fields.text() !== NO_RELAY;
    }
    return isReply ? LinkMessage.DHCP_OFFER : LinkMessage.NOTHING;
  }

  /** A claim needs a station and an address; a group of stations can have none. */
  #claim(): LinkMessageKind {
    const isGroup = Math.floor(this.mac / 2 ** 40) % 2 === 1;
    if (this.mac === 0 || isGroup || this.addressAt === 0) return LinkMessage.NOTHING;
    return isUnspecified(this.#fields.bytes, this.addressAt)
      ? LinkMessage.NOTHING
      : LinkMessage.CLAIM;
  }
}

function macOf({ bytes, at, length }: TlvReader): number {
  let mac = 0;
  if (length === MAC_BYTES) for (let i = 0; i < length; i++) mac = mac * 256 + bytes[at + i]!;
  return mac;
}

function isUnspecified(bytes: Uint8Array, at: number): boolean {
  for (let i = 12; i < 16; i++) if (bytes[at + i] !== 0) return false;
  return true;
}

/** "02:00:5e:10:00:01". */
export function formatMac(mac: number): string {
  const digits = mac.toString(16).padStart(12, '0');
  return digits.replace(/..(?!$)/g, '$&:');
}
