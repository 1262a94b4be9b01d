import { formatAddress } from '../batch/address.js';
import { EVENT_SCHEMA, EventType } from '../batch/generated/event_schema.js';
import type { EventRowView } from '../batch/generated/record_layout.js';
import { toObject, type TlvObject, type TlvValue } from '../batch/tlv.js';
import type { TrafficHistory } from '../models/traffic_history.js';

export const GATEWAY = 'gateway';
export const DHCP_SERVER = 'DHCP server';

/**
 * Learns who a network cannot do without from what its protocols say: routers and DHCP servers. An
 * attacker that claims to be one is spared by what runs unattended, and a person decides.
 */
export class NetworkRoles {
  readonly #history: TrafficHistory;

  constructor(history: TrafficHistory) {
    this.#history = history;
  }

  onEvent(row: EventRowView, body: Uint8Array): void {
    const { type } = row;
    if (type !== EventType.ARP && type !== EventType.ND && type !== EventType.DHCP) return;
    const schema = EVENT_SCHEMA.get(type)!.fields;
    const fields = toObject(schema, body, { at: 0, length: body.length });
    if (type === EventType.ARP) this.#arp(fields);
    else if (type === EventType.ND) this.#nd(fields, row);
    else this.#dhcp(fields, row);
  }

  /** The station that brings packets of outside hosts, and an address of its own. */
  #arp(fields: TlvObject): void {
    const mac = Number.parseInt(textOf(fields['src_mac']), 16);
    if (!this.#history.stations.isRouter(mac)) return;
    this.#history.setRole(textOf(fields['src_ip']), GATEWAY);
  }

  #nd(fields: TlvObject, row: EventRowView): void {
    const isRouter = textOf(fields['type']) === 'router_advertisement';
    if (!isRouter || fields['router_lifetime'] === 0) return;
    this.#history.setRole(formatAddress(row.srcAddr, 0), GATEWAY);
  }

  #dhcp(fields: TlvObject, row: EventRowView): void {
    if (fields['type'] === 'request') return;
    this.#history.setRole(formatAddress(row.srcAddr, 0), DHCP_SERVER);
    const routers = fields['routers'];
    if (!Array.isArray(routers)) return;
    for (const router of routers as readonly TlvValue[]) {
      this.#history.setRole(textOf(router), GATEWAY);
    }
  }
}

const textOf = (value: TlvValue | undefined): string => (typeof value === 'string' ? value : '');
