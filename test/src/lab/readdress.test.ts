import assert from 'node:assert/strict';
import { readdressed, type Renaming } from '../../../bench/lab/data_set/readdress.js';
import { Flag, tcpFrame, udpFrame, type Transport } from '../support/captures.js';

const ENDS: Transport = { from: '10.20.0.104', to: '10.20.0.30', fromPort: 40_000, toPort: 22 };
const RENAMED: Transport = { ...ENDS, from: '10.20.0.177' };
const SEGMENT = { flags: Flag.SYN, seq: 7, ack: 0 };
const PAYLOAD = Buffer.from('odd length');
const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;

const renaming = (
  from: string,
  to: string,
  macs: readonly (readonly [string, string])[] = [],
): Renaming => ({
  addresses: new Map([[from, to]]),
  macs: new Map(macs),
});
const TO_177 = renaming(ENDS.from, RENAMED.from);

describe('readdressed', () => {
  it('makes the TCP segment that the other host would have sent', () => {
    const frame = tcpFrame(ENDS, SEGMENT, PAYLOAD);
    assert.deepEqual(readdressed(frame, TO_177), tcpFrame(RENAMED, SEGMENT, PAYLOAD));
  });

  it('makes the UDP datagram that the other host would have sent, for any checksum', () => {
    for (let i = 0; i < 70_000; i += 7) {
      const payload = Buffer.from([i >> 16, i >> 8, i, 0, 1]);
      assert.deepEqual(readdressed(udpFrame(ENDS, payload), TO_177), udpFrame(RENAMED, payload));
    }
  });

  it('renames the receiver as well as the sender', () => {
    const back = (ends: Transport): Transport => ({ ...ends, from: ends.to, to: ends.from });
    const frame = tcpFrame(back(ENDS), SEGMENT);
    assert.deepEqual(readdressed(frame, TO_177), tcpFrame(back(RENAMED), SEGMENT));
  });

  it('leaves a UDP datagram without a checksum without one', () => {
    const frame = udpFrame(ENDS, PAYLOAD);
    frame.writeUInt16BE(0, ETHERNET_BYTES + IPV4_BYTES + 6);
    const renamed = readdressed(frame, TO_177);
    assert.equal(renamed.readUInt16BE(ETHERNET_BYTES + IPV4_BYTES + 6), 0);
  });

  it('leaves a wrong checksum as wrong as it was', () => {
    const [wrong, right] = [tcpFrame(ENDS, SEGMENT), tcpFrame(RENAMED, SEGMENT)];
    const at = ETHERNET_BYTES + IPV4_BYTES + 16;
    wrong.writeUInt16BE(wrong.readUInt16BE(at) ^ 1, at);
    assert.notDeepEqual(readdressed(wrong, TO_177), right);
  });

  it('does not touch the ports of a later fragment', () => {
    const frame = tcpFrame(ENDS, SEGMENT, PAYLOAD);
    frame.writeUInt16BE(3, ETHERNET_BYTES + 6);
    const body = ETHERNET_BYTES + IPV4_BYTES;
    assert.deepEqual(readdressed(frame, TO_177).subarray(body), frame.subarray(body));
  });

  it('renames inside the datagram that an ICMP error quotes, and keeps all checksums right', () => {
    const renamed = readdressed(unreachable(udpFrame(ENDS, PAYLOAD)), TO_177);
    assert.deepEqual(renamed, unreachable(udpFrame(RENAMED, PAYLOAD), RENAMED.from));
  });

  it('renames both ends of an ARP reply and the frame around it', () => {
    const [mac, other] = ['02:00:00:00:00:02', '00:16:3e:14:00:aa'];
    const frame = arp(mac, ENDS.from);
    const renamed = readdressed(frame, renaming(ENDS.from, RENAMED.from, [[mac, other]]));
    assert.deepEqual(renamed, arp(other, RENAMED.from));
  });

  it('changes nothing where nobody is renamed, however short the frame is', () => {
    const frame = unreachable(tcpFrame(ENDS, SEGMENT, PAYLOAD));
    for (let bytes = 0; bytes <= frame.length; bytes++) {
      const cut = frame.subarray(0, bytes);
      assert.deepEqual(readdressed(cut, renaming('10.9.9.9', '10.9.9.8')), Buffer.from(cut));
      assert.equal(readdressed(cut, TO_177).length, bytes);
    }
  });
});

/** What 10.20.0.30 answers to the sender of a datagram that it does not want. */
function unreachable(frame: Buffer, to: string = ENDS.from): Buffer {
  const quoted = frame.subarray(ETHERNET_BYTES);
  const icmp = Buffer.concat([Buffer.from([3, 3, 0, 0, 0, 0, 0, 0]), quoted]);
  icmp.writeUInt16BE(checksum(icmp), 2);
  const ip = Buffer.alloc(IPV4_BYTES);
  ip[0] = 0x45;
  ip.writeUInt16BE(IPV4_BYTES + icmp.length, 2);
  ip[8] = 64;
  ip[9] = 1;
  ip.set(ENDS.to.split('.').map(Number), 12);
  ip.set(to.split('.').map(Number), 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([frame.subarray(0, ETHERNET_BYTES), ip, icmp]);
}

function arp(mac: string, address: string): Buffer {
  const bytes = mac.replaceAll(':', '');
  const ip = Buffer.from(address.split('.').map(Number)).toString('hex');
  const to = '020000000009';
  return Buffer.from(`${to}${bytes}08060001080006040002${bytes}${ip}${to}0a140065`, 'hex');
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
