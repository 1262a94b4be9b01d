/** The shape of a capture: how many packets, and when. */
export interface Times {
  readonly packets: number;
  /** Microseconds since 1970; 0 where there is no packet. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** Packets that are older than the one before them. */
  readonly backward: number;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const SNAPLEN = 262_144;
const LINKTYPE_ETHERNET = 1;

/** Reads a pcap of this machine's byte order, as tcpdump has written it. */
export function timesOf(pcap: Buffer): Times {
  let [packets, firstUs, lastUs, backward] = [0, 0, 0, 0];
  for (const { timeUs } of packetsOf(pcap)) {
    if (packets === 0) firstUs = timeUs;
    if (timeUs < lastUs) backward++;
    lastUs = timeUs;
    packets++;
  }
  return { packets, firstUs, lastUs, backward };
}

/** The same packets by their times: two processors may stamp neighbours and then swap them. */
export function inTimeOrder(pcap: Buffer): Buffer {
  const packets = [...packetsOf(pcap)].sort((a, b) => a.timeUs - b.timeUs);
  return Buffer.concat([pcap.subarray(0, FILE_HEADER_BYTES), ...packets.map(({ bytes }) => bytes)]);
}

export interface Packet {
  readonly timeUs: number;
  /** With its header. */
  readonly bytes: Buffer;
}

/** What was on the wire. */
export function frameOf(packet: Packet): Buffer {
  return packet.bytes.subarray(PACKET_HEADER_BYTES);
}

/** The same frame bytes or others of the same length, at another time. */
export function packetAt(timeUs: number, frame: Buffer): Packet {
  const bytes = Buffer.alloc(PACKET_HEADER_BYTES + frame.length);
  const seconds = Math.floor(timeUs / 1e6);
  bytes.writeUInt32LE(seconds, 0);
  bytes.writeUInt32LE(timeUs - seconds * 1e6, 4);
  bytes.writeUInt32LE(frame.length, 8);
  bytes.writeUInt32LE(frame.length, 12);
  frame.copy(bytes, PACKET_HEADER_BYTES);
  return { timeUs, bytes };
}

/** A pcap of whole Ethernet frames. */
export function pcapOf(packets: readonly Packet[]): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.writeUInt32LE(MAGIC_MICROSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAPLEN, 16);
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
  return Buffer.concat([header, ...packets.map(({ bytes }) => bytes)]);
}

/** All packets as they stand, over the memory of the file. */
export function* packetsOf(pcap: Buffer): Generator<Packet> {
  if (pcap.length < FILE_HEADER_BYTES || pcap.readUInt32LE(0) !== MAGIC_MICROSECONDS) {
    throw new Error('This is not a little-endian pcap with microseconds.');
  }
  let offset = FILE_HEADER_BYTES;
  while (offset + PACKET_HEADER_BYTES <= pcap.length) {
    const timeUs = pcap.readUInt32LE(offset) * 1e6 + pcap.readUInt32LE(offset + 4);
    const end = offset + PACKET_HEADER_BYTES + pcap.readUInt32LE(offset + 8);
    yield { timeUs, bytes: pcap.subarray(offset, end) };
    offset = end;
  }
  if (offset !== pcap.length) throw new Error('The capture is cut in the middle of a packet.');
}
