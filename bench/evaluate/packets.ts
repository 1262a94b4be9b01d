import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { formatAddress } from '../../src/batch/address.js';
import type { Packet } from '../baselines/baseline.js';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const LINK_ETHERNET = 1;
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
const TCP = 6;
const UDP = 17;
const DNS_PORT = 53;

/**
 * The packets of a little-endian pcap with microseconds and Ethernet, also with gzip, in their order;
 * a plain reading for baselines, apart from the engine's own.
 */
export function* packetsOf(path: string): Generator<Packet> {
  const file = open(path);
  let at = FILE_HEADER_BYTES;
  while (at + PACKET_HEADER_BYTES <= file.length) {
    const timeUs = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    const length = file.readUInt32LE(at + 8);
    const bytes = file.readUInt32LE(at + 12);
    at += PACKET_HEADER_BYTES;
    yield decode(file.subarray(at, at + length), { timeUs, bytes });
    at += length;
  }
}

/** How many packets there are, and how many of them before a moment; from their headers alone. */
export function countPackets(path: string, beforeUs: number): { all: number; before: number } {
  const file = open(path);
  const counts = { all: 0, before: 0 };
  let at = FILE_HEADER_BYTES;
  while (at + PACKET_HEADER_BYTES <= file.length) {
    counts.all++;
    if (file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4) < beforeUs) counts.before++;
    at += PACKET_HEADER_BYTES + file.readUInt32LE(at + 8);
  }
  return counts;
}

function open(path: string): Buffer {
  const raw = readFileSync(path);
  const file = path.endsWith('.gz') ? gunzipSync(raw) : raw;
  if (file.readUInt32LE(0) !== MAGIC_MICROSECONDS || file.readUInt32LE(20) !== LINK_ETHERNET) {
    throw new Error(`${path} is not a little-endian pcap of Ethernet with microseconds.`);
  }
  return file;
}

type Stamp = Pick<Packet, 'timeUs' | 'bytes'>;

const NOTHING = {
  source: '',
  destination: '',
  protocol: 0,
  sourcePort: 0,
  destinationPort: 0,
  tcpFlags: 0,
  isArpRequest: false,
  dnsCode: -1,
};

function decode(frame: Buffer, stamp: Stamp): Packet {
  const sourceMac = frame.length >= 14 ? frame.toString('hex', 6, 12) : '';
  const link = { ...stamp, ...NOTHING, sourceMac };
  let at = 12;
  while (at + 2 <= frame.length && VLAN_TYPES.has(frame.readUInt16BE(at))) at += 4;
  if (at + 2 > frame.length) return link;
  const type = frame.readUInt16BE(at);
  at += 2;
  if (type === ARP && frame.length >= at + 28) {
    return {
      ...link,
      source: dotted(frame, at + 14),
      destination: dotted(frame, at + 24),
      isArpRequest: frame.readUInt16BE(at + 6) === 1,
    };
  }
  if (type === IPV4 && frame.length >= at + 20) {
    const header = 4 * (frame[at]! & 0xf);
    const isFirst = (frame.readUInt16BE(at + 6) & 0x1fff) === 0;
    const ends = { source: dotted(frame, at + 12), destination: dotted(frame, at + 16) };
    const protocol = frame[at + 9]!;
    return withTransport(frame, isFirst ? at + header : frame.length, {
      ...link,
      ...ends,
      protocol,
    });
  }
  if (type === IPV6 && frame.length >= at + 40) {
    const ends = {
      source: formatAddress(frame, at + 8),
      destination: formatAddress(frame, at + 24),
    };
    return withTransport(frame, at + 40, { ...link, ...ends, protocol: frame[at + 6]! });
  }
  return link;
}

function withTransport(frame: Buffer, at: number, packet: Packet): Packet {
  const { protocol } = packet;
  if ((protocol !== TCP && protocol !== UDP) || frame.length < at + 8) return packet;
  const sourcePort = frame.readUInt16BE(at);
  const ports = { sourcePort, destinationPort: frame.readUInt16BE(at + 2) };
  if (protocol === TCP) {
    return { ...packet, ...ports, tcpFlags: frame.length > at + 13 ? frame[at + 13]! : 0 };
  }
  const isAnswer = sourcePort === DNS_PORT && frame.length > at + 11 && frame[at + 10]! >= 0x80;
  return { ...packet, ...ports, dnsCode: isAnswer ? frame[at + 11]! & 0xf : -1 };
}

const dotted = (frame: Buffer, at: number): string =>
  `${frame[at]}.${frame[at + 1]}.${frame[at + 2]}.${frame[at + 3]}`;
