import {
  EventRowOffset,
  type EventRowView,
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import type { EntitySpec } from '../models/entity_table.js';

const TCP = 6;
const TCP_ACK = 0x10;

/** One end of a flow, for a table that does not know it yet. Its address is borrowed. */
export function endOfFlow(row: FlowRowView, isOriginator: boolean): EntitySpec {
  const key = isOriginator ? row.origKey : row.respKey;
  const side = isOriginator ? FlowRowOffset.origAddr : FlowRowOffset.respAddr;
  const internal = isOriginator ? FlowRoles.ORIGINATOR_INTERNAL : FlowRoles.RESPONDER_INTERNAL;
  const kind = row.roles & internal ? 'device' : 'external';
  const isProven = provesBothSides(row);
  const flow = row.event & FlowEvents.UPDATE ? -1 : row.flowIdLow;
  return { key, kind, isProven, bytes: row.u8, at: row.at + side, flow };
}

/** The same of an event, which proves nobody. */
export function endOfEvent(event: EventRowView, isOriginator: boolean): EntitySpec {
  const key = isOriginator ? event.origKey : event.respKey;
  const side = isOriginator ? EventRowOffset.srcAddr : EventRowOffset.dstAddr;
  const internal = isOriginator ? FlowRoles.ORIGINATOR_INTERNAL : FlowRoles.RESPONDER_INTERNAL;
  const kind = event.roles & internal ? 'device' : 'external';
  const at = event.at + side;
  return { key, kind, isProven: false, bytes: event.u8, at, flow: event.flowIdLow };
}

/**
 * True when both ends must exist where they say: a TCP handshake was completed, or either side
 * answered the other twice.
 */
export function provesBothSides(row: FlowRowView): boolean {
  if (!(row.flags & FlowFlags.BOTH_DIRECTIONS)) return false;
  if (row.protocol === TCP) return row.respSynAcks > 0 && (row.origTcpFlags & TCP_ACK) !== 0;
  return row.origPackets >= 2 && row.respPackets >= 2;
}
