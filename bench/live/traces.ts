// Frames for the live benchmarks, as captures.
import {
  conversation,
  Flag,
  inOrder,
  tcpFrame,
  udpFrame,
  writePcap,
  type Packet,
} from '../../test/src/support/captures.js';

const START_US = 1_767_603_600_000_000;
const PROBES = 20;
const FLOOD_SYNS = 2500;

/** One datagram without payload of each of 1,000 flows: 60 bytes with padding. */
export function fewFlows(path: string): string {
  const packets = Array.from({ length: 1000 }, (_, i) => ({
    timeUs: START_US + i,
    frame: padded(
      udpFrame(
        { from: `10.0.${i >> 8}.${i & 255}`, to: '10.1.0.1', fromPort: 10_000 + i, toPort: 9 },
        new Uint8Array(0),
      ),
    ),
  }));
  return writePcap(path, packets);
}

/** The largest frames of 1,000 flows. */
export function largeFrames(path: string): string {
  const payload = new Uint8Array(1472);
  const packets = Array.from({ length: 1000 }, (_, i) => ({
    timeUs: START_US + i,
    frame: udpFrame(
      { from: `10.0.${i >> 8}.${i & 255}`, to: '10.1.0.1', fromPort: 10_000 + i, toPort: 9 },
      payload,
    ),
  }));
  return writePcap(path, packets);
}

/**
 * Scans one after another, of so many hosts, each of 20 addresses that refuse the connection, among
 * connections of other hosts that succeed.
 */
export function scanTrace(path: string, scans: number): string {
  const packets: Packet[] = [];
  for (let scan = 0; scan < scans; scan++) {
    for (let i = 0; i < PROBES; i++) {
      const ends = {
        from: `10.5.${scan}.${i + 1}`,
        to: `10.6.0.${(scan % 50) + 1}`,
        fromPort: 40_000 + scan,
        toPort: 80,
      };
      packets.push(...conversation(ends, START_US + scan * 200_000 + i * 5000));
    }
    for (let probe = 0; probe < PROBES; probe++) {
      const ends = {
        from: `10.2.0.${scan + 1}`,
        to: `10.3.${scan}.${probe + 1}`,
        fromPort: 40_000 + probe,
        toPort: 445,
      };
      const back = { from: ends.to, to: ends.from, fromPort: ends.toPort, toPort: ends.fromPort };
      const timeUs = START_US + scan * 200_000 + probe * 5000;
      packets.push({ timeUs, frame: tcpFrame(ends, { flags: Flag.SYN, seq: 1000, ack: 0 }) });
      packets.push({
        timeUs: timeUs + 300,
        frame: tcpFrame(back, { flags: Flag.RST | Flag.ACK, seq: 0, ack: 1001 }),
      });
    }
  }
  return writePcap(path, inOrder(packets));
}

/** Floods one after another, of so many hosts: 5,000 SYNs a second, each from another address, for half a second. */
export function floodTrace(path: string, floods: number): string {
  const packets: Packet[] = [];
  for (let flood = 0; flood < floods; flood++) {
    for (let i = 0; i < FLOOD_SYNS; i++) {
      const source = flood * FLOOD_SYNS + i;
      const ends = {
        from: `198.${18 + (source >> 16)}.${(source >> 8) & 255}.${source & 255}`,
        to: `10.4.0.${flood + 1}`,
        fromPort: 1024 + i,
        toPort: 80,
      };
      packets.push({
        timeUs: START_US + flood * 1_000_000 + i * 200,
        frame: tcpFrame(ends, { flags: Flag.SYN, seq: i, ack: 0 }),
      });
    }
  }
  return writePcap(path, packets);
}

function padded(frame: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.max(60, frame.length));
  out.set(frame);
  return out;
}
