import { writeFileSync } from 'node:fs';

/** Small captures, made packet by packet, for tests that run the whole program. */

export interface Packet {
  /** Microseconds since 1970. */
  readonly timeUs: number;
  /** A whole Ethernet frame. */
  readonly frame: Uint8Array;
}

export interface Transport {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
}

export const Flag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

/** 2026-01-05 09:00:00 UTC. */
export const MORNING_US = 1_767_603_600_000_000;

const LINKTYPE_ETHERNET = 1;

export interface PcapOptions {
  readonly linkType?: number;
  readonly snaplen?: number;
}

/** The bytes of a little-endian pcap with microseconds. */
export function pcap(packets: readonly Packet[], options: PcapOptions = {}): Buffer {
  const { linkType = LINKTYPE_ETHERNET, snaplen = 262_144 } = options;
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snaplen, 16);
  header.writeUInt32LE(linkType, 20);
  return Buffer.concat([header, ...packets.map((packet) => pcapRecord(packet, snaplen))]);
}

function pcapRecord({ timeUs, frame }: Packet, snaplen: number): Buffer {
  const captured = Math.min(frame.length, snaplen);
  const record = Buffer.alloc(16 + captured);
  record.writeUInt32LE(Math.floor(timeUs / 1e6), 0);
  record.writeUInt32LE(timeUs % 1e6, 4);
  record.writeUInt32LE(captured, 8);
  record.writeUInt32LE(frame.length, 12);
  record.set(frame.subarray(0, captured), 16);
  return record;
}

export function writePcap(
  path: string,
  packets: readonly Packet[],
  options: PcapOptions = {},
): string {
  writeFileSync(path, pcap(packets, options));
  return path;
}

/** An Ethernet frame with an IPv4 TCP segment, checksums right. */
export function tcpFrame(
  ends: Transport,
  segment: { readonly flags: number; readonly seq: number; readonly ack: number },
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const tcp = Buffer.alloc(20 + payload.length);
  tcp.writeUInt16BE(ends.fromPort, 0);
  tcp.writeUInt16BE(ends.toPort, 2);
  tcp.writeUInt32BE(segment.seq >>> 0, 4);
  tcp.writeUInt32BE(segment.ack >>> 0, 8);
  tcp[12] = 5 << 4;
  tcp[13] = segment.flags;
  tcp.writeUInt16BE(64_240, 14);
  tcp.set(payload, 20);
  tcp.writeUInt16BE(transportChecksum(ends, 6, tcp), 16);
  return ethernet(ipv4(ends, 6, tcp));
}

/** An Ethernet frame with an IPv4 UDP datagram, checksums right. */
export function udpFrame(ends: Transport, payload: Uint8Array): Buffer {
  const udp = Buffer.alloc(8 + payload.length);
  udp.writeUInt16BE(ends.fromPort, 0);
  udp.writeUInt16BE(ends.toPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  udp.set(payload, 8);
  udp.writeUInt16BE(transportChecksum(ends, 17, udp) || 0xffff, 6);
  return ethernet(ipv4(ends, 17, udp));
}

function ethernet(packet: Uint8Array): Buffer {
  const header = Buffer.from('0200000000020200000000010800', 'hex');
  return Buffer.concat([header, packet]);
}

function ipv4({ from, to }: Transport, protocol: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + body.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.set(addressBytes(from), 12);
  header.set(addressBytes(to), 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, body]);
}

const addressBytes = (text: string): number[] => text.split('.').map(Number);

function transportChecksum({ from, to }: Transport, protocol: number, body: Buffer): number {
  const pseudo = Buffer.alloc(12);
  pseudo.set(addressBytes(from), 0);
  pseudo.set(addressBytes(to), 4);
  pseudo[9] = protocol;
  pseudo.writeUInt16BE(body.length, 10);
  return internetChecksum(Buffer.concat([pseudo, body]));
}

function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A connection that is opened, used and closed: eight packets in 70 ms. */
export function conversation(
  ends: Transport,
  startUs: number,
  request = 'hello\n',
  answer = 'world\n',
): Packet[] {
  const back: Transport = {
    from: ends.to,
    to: ends.from,
    fromPort: ends.toPort,
    toPort: ends.fromPort,
  };
  const [asked, told] = [Buffer.from(request), Buffer.from(answer)];
  const [x, y] = [1000, 5000];
  const steps: [Transport, number, number, number, Buffer][] = [
    [ends, Flag.SYN, x, 0, Buffer.alloc(0)],
    [back, Flag.SYN | Flag.ACK, y, x + 1, Buffer.alloc(0)],
    [ends, Flag.ACK, x + 1, y + 1, Buffer.alloc(0)],
    [ends, Flag.PSH | Flag.ACK, x + 1, y + 1, asked],
    [back, Flag.PSH | Flag.ACK, y + 1, x + 1 + asked.length, told],
    [ends, Flag.FIN | Flag.ACK, x + 1 + asked.length, y + 1 + told.length, Buffer.alloc(0)],
    [back, Flag.FIN | Flag.ACK, y + 1 + told.length, x + 2 + asked.length, Buffer.alloc(0)],
    [ends, Flag.ACK, x + 2 + asked.length, y + 2 + told.length, Buffer.alloc(0)],
  ];
  return steps.map(([way, flags, seq, ack, payload], i) => ({
    timeUs: startUs + i * 10_000,
    frame: tcpFrame(way, { flags, seq, ack }, payload),
  }));
}

/** One host asks `n` others on a port, 50 ms apart; nobody is there. */
export function addressScan(from: string, n: number, startUs: number, port = 445): Packet[] {
  return Array.from({ length: n }, (_, i) => ({
    timeUs: startUs + i * 50_000,
    frame: tcpFrame(
      { from, to: `10.1.${i >> 8}.${i & 255}`, fromPort: 40_000 + i, toPort: port },
      { flags: Flag.SYN, seq: i, ack: 0 },
    ),
  }));
}

/** Packets of several sources in time order. */
export function inOrder(...groups: readonly Packet[][]): Packet[] {
  return groups.flat().sort((a, b) => a.timeUs - b.timeUs);
}
