import { hash } from 'node:crypto';
import { isIpv4 } from './address.js';
import type { FlowRowView } from './generated/record_layout.js';

const ICMP = 1;
const ICMPV6 = 58;
/** What is hashed: seed, two IPv6 addresses, protocol and padding, two ports. */
const SEED_BYTES = 2;
const MOST_BYTES = SEED_BYTES + 2 * 16 + 2 + 2 * 2;
const PORT_PROTOCOLS = new Set([6, 17, 132, ICMP, ICMPV6]);

/** Types that answer each other; messages of all others go one way. */
const ICMP_PAIRS = pairs([0, 8], [9, 10], [13, 14], [15, 16], [17, 18]);
const ICMPV6_PAIRS = pairs([128, 129], [130, 131], [133, 134], [135, 136], [139, 140], [144, 145]);

/** The ends of a flow as records have them: for ICMP a port is type * 256 + code. */
export interface FlowEnds {
  /** IP protocol number. */
  readonly protocol: number;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly orig: Uint8Array;
  readonly resp: Uint8Array;
  readonly origPort: number;
  readonly respPort: number;
}

/**
 * Community ID v1, seed 0, of a flow row. The core writes it into published rows; rows that are only
 * judged go without, since few of them become evidence.
 */
export function communityIdOf(row: FlowRowView): string {
  const { protocol, origAddr, respAddr, origPort, respPort } = row;
  return communityIdOfEnds({ protocol, orig: origAddr, resp: respAddr, origPort, respPort });
}

/** Community ID v1, seed 0. Either end may be the originator, except for ICMP. */
export function communityIdOfEnds(ends: FlowEnds): string {
  const { protocol, orig, resp } = ends;
  const { origPort, respPort, isOneWay } = portsOf(ends);
  const byAddress = Buffer.compare(orig, resp);
  const swap = !isOneWay && (byAddress > 0 || (byAddress === 0 && origPort > respPort));
  const skip = isIpv4(orig, 0) && isIpv4(resp, 0) ? 12 : 0;
  const hasPorts = PORT_PROTOCOLS.has(protocol);
  const message = messageOf(2 * (16 - skip), hasPorts);
  let at = SEED_BYTES;
  for (let i = skip; i < 16; i++) message[at++] = swap ? resp[i]! : orig[i]!;
  for (let i = skip; i < 16; i++) message[at++] = swap ? orig[i]! : resp[i]!;
  message[at] = protocol;
  at += 2;
  if (hasPorts) {
    message.writeUInt16BE(swap ? respPort : origPort, at);
    message.writeUInt16BE(swap ? origPort : respPort, at + 2);
  }
  return `1:${hash('sha1', message, 'base64')}`;
}

/** Written over by each flow: to name flows is a good part of what evidence costs. */
const MESSAGES = Array.from({ length: MOST_BYTES + 1 }, (_, length) => Buffer.alloc(length));

function messageOf(addressBytes: number, hasPorts: boolean): Buffer {
  return MESSAGES[SEED_BYTES + addressBytes + 2 + (hasPorts ? 2 * 2 : 0)]!;
}

function portsOf(ends: FlowEnds): { origPort: number; respPort: number; isOneWay: boolean } {
  const { protocol, origPort, respPort } = ends;
  if (protocol !== ICMP && protocol !== ICMPV6) return { origPort, respPort, isOneWay: false };
  const type = origPort >> 8;
  const answer = (protocol === ICMP ? ICMP_PAIRS : ICMPV6_PAIRS).get(type);
  if (answer === undefined) return { origPort: type, respPort: origPort & 255, isOneWay: true };
  return { origPort: type, respPort: answer, isOneWay: false };
}

function pairs(...list: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(list.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
}
