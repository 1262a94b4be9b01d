import { updatedChecksum } from './checksum.js';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const ICMP_BYTES = 8;
/** ICMP messages that carry the beginning of a datagram: unreachable, quench, redirect, time, parameter. */
const ICMP_ERRORS = [3, 4, 5, 11, 12];
/** Where the checksum lies in a transport header. */
const CHECKSUM_OFFSETS: Readonly<Record<number, number>> = { 6: 16, 17: 6 };
const ICMP = 1;
const UDP = 17;

/** Who becomes whom; what is not in it stays. Addresses are IPv4. */
export interface Renaming {
  readonly addresses: ReadonlyMap<string, string>;
  readonly macs: ReadonlyMap<string, string>;
}

/**
 * A copy of the frame with other addresses in Ethernet, ARP, IPv4 and the datagrams that ICMP errors
 * quote. Checksums are brought up to date (RFC 1624): right ones stay right, wrong ones wrong. Names
 * and addresses inside payloads stay.
 */
export function readdressed(frame: Buffer, renaming: Renaming): Buffer {
  const copy = Buffer.from(frame);
  if (copy.length < ETHERNET_BYTES) return copy;
  renameMac(copy, 0, renaming);
  renameMac(copy, 6, renaming);
  const type = copy.readUInt16BE(12);
  if (type === ETHERTYPE_ARP) renameArp(copy, renaming);
  if (type === ETHERTYPE_IPV4) renameIpv4(copy, ETHERNET_BYTES, { renaming, covering: [] });
  return copy;
}

function renameArp(frame: Buffer, renaming: Renaming): void {
  if (frame.length < 42) return;
  for (const [mac, address] of [
    [22, 28],
    [32, 38],
  ] as const) {
    renameMac(frame, mac, renaming);
    renameAddress(frame, address, { renaming, covering: [] });
  }
}

interface Rewriting {
  readonly renaming: Renaming;
  /** Offsets of the checksums over the bytes in question. */
  readonly covering: readonly number[];
}

function renameIpv4(frame: Buffer, at: number, { renaming, covering }: Rewriting): void {
  if (frame.length < at + IPV4_BYTES) return;
  const headerChecksum = at + 10;
  const transport = at + (frame[at]! & 15) * 4;
  const isFirst = (frame.readUInt16BE(at + 6) & 0x1fff) === 0;
  const pseudo = isFirst ? transportChecksum(frame, frame[at + 9]!, transport) : null;
  const covered = [headerChecksum, ...(pseudo === null ? [] : [pseudo])];
  for (const address of [at + 12, at + 16]) {
    renameAddress(frame, address, { renaming, covering: covered }, covering);
  }
  // Zero would say that there is none (RFC 768); all ones is the same number.
  const isUdp = frame[at + 9] === UDP;
  if (isUdp && pseudo !== null && frame.readUInt16BE(pseudo) === 0)
    frame.writeUInt16BE(0xffff, pseudo);
  if (!isFirst || frame[at + 9] !== ICMP || frame.length < transport + ICMP_BYTES) return;
  if (!ICMP_ERRORS.includes(frame[transport]!)) return;
  renameIpv4(frame, transport + ICMP_BYTES, { renaming, covering: [transport + 2] });
}

/** The checksum that covers the addresses too, as those of TCP and UDP do. */
function transportChecksum(frame: Buffer, protocol: number, transport: number): number | null {
  const offset = CHECKSUM_OFFSETS[protocol];
  if (offset === undefined || frame.length < transport + offset + 2) return null;
  // A UDP sender may leave it out.
  if (protocol === UDP && frame.readUInt16BE(transport + offset) === 0) return null;
  return transport + offset;
}

/** @param outer checksums that cover the inner checksums as well */
function renameAddress(
  frame: Buffer,
  at: number,
  { renaming, covering }: Rewriting,
  outer: readonly number[] = [],
): void {
  const renamed = renaming.addresses.get(frame.subarray(at, at + 4).join('.'));
  if (renamed === undefined) return;
  const bytes = Buffer.from(renamed.split('.').map(Number));
  for (let i = 0; i < 4; i += 2)
    write16(frame, at + i, { value: bytes.readUInt16BE(i), covering, outer });
}

function write16(
  frame: Buffer,
  at: number,
  change: {
    readonly value: number;
    readonly covering: readonly number[];
    readonly outer: readonly number[];
  },
): void {
  const old = frame.readUInt16BE(at);
  frame.writeUInt16BE(change.value, at);
  for (const checksum of change.covering) {
    const value = updatedChecksum(frame.readUInt16BE(checksum), old, change.value);
    write16(frame, checksum, { value, covering: change.outer, outer: [] });
  }
  for (const checksum of change.outer) {
    const value = updatedChecksum(frame.readUInt16BE(checksum), old, change.value);
    frame.writeUInt16BE(value, checksum);
  }
}

function renameMac(frame: Buffer, at: number, { macs }: Renaming): void {
  const mac = frame.subarray(at, at + 6);
  const renamed = macs.get(mac.toString('hex').replace(/..(?!$)/g, '$&:'));
  if (renamed !== undefined) frame.write(renamed.replaceAll(':', ''), at, 'hex');
}
