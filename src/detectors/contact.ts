import {
  FlowEvents,
  FlowFlags,
  FlowStates,
  type FlowRowView,
} from '../batch/generated/record_layout.js';

/** How a first contact came out. */
export const Contact = { OPEN: 0, ANSWERED: 1, FAILED: 2 } as const;
export type ContactOutcome = (typeof Contact)[keyof typeof Contact];

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const ECHO_REQUEST = 8;
const ECHO_REQUEST_V6 = 128;
/** Requests for a host's clock (RFC 792), its network (the same) and its address mask (RFC 950). */
const INFORMATION_REQUESTS: readonly number[] = [13, 15, 17];

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

/** A probe that walks a path on purpose (traceroute) leaves its sender with a TTL below this. */
const PATH_PROBE_TTL = 32;

/**
 * What a flow record says about whether its originator's contact was answered. OPEN: nothing yet, or
 * nothing that counts, such as a UDP datagram that nobody had to answer.
 */
export function contactOutcome(row: FlowRowView): ContactOutcome {
  switch (row.protocol) {
    case TCP:
      return tcpOutcome(row);
    case UDP:
      return udpOutcome(row);
    case ICMP:
    case ICMPV6:
      return icmpOutcome(row);
    default:
      return Contact.OPEN;
  }
}

/**
 * True when the originator began as next to nobody does but to search: by TCP without SYN, ACK or RST,
 * that is FIN alone, Xmas and null probes, which no TCP sends (RFC 9293, 3.10.7.4 answers a closed
 * port's with RST); or by an ICMP request for a clock, a network or an address mask, which other
 * protocols replaced (RFC 6918).
 */
export function isOddProbe(row: FlowRowView): boolean {
  if (row.protocol === ICMP) return informationRequest(row) !== 0;
  return (
    row.protocol === TCP && row.origPackets > 0 && (row.origTcpFlags & (SYN | ACK | RST)) === 0
  );
}

/** The type of an ICMP request for information, 0 when it is none. */
export function informationRequest(row: FlowRowView): number {
  const type = row.origPort >> 8;
  return row.protocol === ICMP && INFORMATION_REQUESTS.includes(type) ? type : 0;
}

function tcpOutcome(row: FlowRowView): ContactOutcome {
  if ((row.origTcpFlags & SYN) === 0) return probeOutcome(row);
  if (row.respSynAcks > 0) return Contact.ANSWERED;
  // Acknowledging or sending data, the originator was answered where the tap did not see it.
  if ((row.origTcpFlags & ACK) !== 0 || row.origPayload > 0) return Contact.OPEN;
  if (row.flags & FlowFlags.ATTEMPT_FAILED) return Contact.FAILED;
  switch (row.state) {
    case FlowStates.REJ:
    case FlowStates.UNREACHABLE:
    case FlowStates.DENIED:
      return Contact.FAILED;
    default:
      return Contact.OPEN;
  }
}

/**
 * A flow that began without a SYN is one the tap came late to, unless its only packets are such as no
 * connection has: no ACK at all (FIN, null, Xmas probes), or a lone ACK that was answered by a RST.
 */
function probeOutcome(row: FlowRowView): ContactOutcome {
  if (row.origPayload > 0 || row.respPayload > 0 || row.origPackets > 2) return Contact.OPEN;
  const ended = (row.event & FlowEvents.END) !== 0;
  const reset = (row.respTcpFlags & RST) !== 0 && row.respPackets <= 2;
  const illegal = (row.origTcpFlags & (ACK | RST)) === 0;
  if (illegal) return reset || (ended && row.respPackets === 0) ? Contact.FAILED : Contact.OPEN;
  const loneAck = (row.origTcpFlags & (ACK | FIN | RST)) === ACK;
  return loneAck && reset ? Contact.FAILED : Contact.OPEN;
}

function udpOutcome(row: FlowRowView): ContactOutcome {
  if (row.respPackets > 0) return Contact.ANSWERED;
  if (row.state !== FlowStates.UNREACHABLE && row.state !== FlowStates.DENIED) return Contact.OPEN;
  return row.origTtlMax > 0 && row.origTtlMax < PATH_PROBE_TTL ? Contact.OPEN : Contact.FAILED;
}

function icmpOutcome(row: FlowRowView): ContactOutcome {
  const isEcho = row.origPort >> 8 === (row.protocol === ICMP ? ECHO_REQUEST : ECHO_REQUEST_V6);
  if (!isEcho && informationRequest(row) === 0) return Contact.OPEN;
  if (row.respPackets > 0) return Contact.ANSWERED;
  if (row.origTtlMax > 0 && row.origTtlMax < PATH_PROBE_TTL) return Contact.OPEN;
  if (row.state === FlowStates.UNREACHABLE || row.state === FlowStates.DENIED)
    return Contact.FAILED;
  return row.event & FlowEvents.END ? Contact.FAILED : Contact.OPEN;
}
