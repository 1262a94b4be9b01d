import { execFileSync } from 'node:child_process';
import { packetsOf, type Packet } from '../pcap_file.js';

const BIGGEST_CAPTURE_BYTES = 2 ** 31;

/** When the lab's log says that an attack was under way, microseconds since 1970. */
export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Positions of the packets of a pcap file that a capture filter matches within a span of time. */
export function matchingPositions(
  pcapFile: string,
  filter: string,
  options: { readonly packets: readonly Packet[]; readonly span: Span },
): number[] {
  const matched = execFileSync('tcpdump', ['-r', pcapFile, '-w', '-', filter], {
    maxBuffer: BIGGEST_CAPTURE_BYTES,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { fromUs, toUs } = options.span;
  return positionsOf(options.packets, [...packetsOf(matched)]).filter((position) => {
    const { timeUs } = options.packets[position]!;
    return timeUs >= fromUs && timeUs <= toUs;
  });
}

/** Where the packets of a part, which is in the order of the whole, lie in the whole. */
export function positionsOf(whole: readonly Packet[], part: readonly Packet[]): number[] {
  let next = 0;
  const positions = part.map((packet) => {
    while (next < whole.length && !isSame(whole[next]!, packet)) next++;
    return next++;
  });
  if (next > whole.length) throw new Error('These packets are not part of the capture.');
  return positions;
}

function isSame(a: Packet, b: Packet): boolean {
  return a.timeUs === b.timeUs && a.bytes.equals(b.bytes);
}
