import { createHash } from 'node:crypto';
import { FlowRowOffset, type FlowRowView } from './generated/record_layout.js';

const ICMP = 1;
const ICMPV6 = 58;
const PORT_PROTOCOLS = new Set([6, 17, 132, ICMP, ICMPV6]);

/** Types that answer each other; messages of all others go one way. */
const ICMP_PAIRS = pairs([0, 8], [9, 10], [13, 14], [15, 16], [17, 18]);
const ICMPV6_PAIRS = pairs([128, 129], [130, 131], [133, 134], [135, 136], [139, 140], [144, 145]);

/**
 * Community ID v1, seed 0, of a flow row. The core writes it into published rows; rows that are only
 * judged go without, since few of them become evidence.
 */
export function communityIdOf(row: FlowRowView): string {
  const { u8, at, protocol } = row;
  const v4 = row.ipVersion === 4;
  const skip = v4 ? 12 : 0;
  const orig = u8.slice(at + FlowRowOffset.origAddr + skip, at + FlowRowOffset.origAddr + 16);
  const resp = u8.slice(at + FlowRowOffset.respAddr + skip, at + FlowRowOffset.respAddr + 16);
  const { origPort, respPort, isOneWay } = portsOf(row);
  const byAddress = Buffer.compare(orig, resp);
  const swap = !isOneWay && (byAddress > 0 || (byAddress === 0 && origPort > respPort));
  const ports = swap ? [respPort, origPort] : [origPort, respPort];
  const hash = createHash('sha1').update(Uint8Array.of(0, 0));
  for (const address of swap ? [resp, orig] : [orig, resp]) hash.update(address);
  hash.update(Uint8Array.of(protocol, 0));
  if (PORT_PROTOCOLS.has(protocol)) {
    hash.update(Uint8Array.from(ports.flatMap((port) => [port >> 8, port & 255])));
  }
  return `1:${hash.digest('base64')}`;
}

function portsOf(row: FlowRowView): { origPort: number; respPort: number; isOneWay: boolean } {
  const { protocol, origPort, respPort } = row;
  if (protocol !== ICMP && protocol !== ICMPV6) return { origPort, respPort, isOneWay: false };
  const type = origPort >> 8;
  const answer = (protocol === ICMP ? ICMP_PAIRS : ICMPV6_PAIRS).get(type);
  if (answer === undefined) return { origPort: type, respPort: origPort & 255, isOneWay: true };
  return { origPort: type, respPort: answer, isOneWay: false };
}

function pairs(...list: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(list.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
}
