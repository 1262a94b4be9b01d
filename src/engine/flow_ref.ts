import { formatAddress } from '../batch/address.js';
import type { BatchView } from '../batch/batch_view.js';
import { communityIdOf, communityIdOfEnds } from '../batch/community_id.js';
import { EventField } from '../batch/generated/event_schema.js';
import {
  type EventRowView,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import type { FlowRef } from '../domain/flow.js';

const TCP = 6;

/** How any tool finds the flow of a row again. */
export function refOfRow(row: FlowRowView): FlowRef {
  return {
    flowId: hex(row.flowIdHigh) + hex(row.flowIdLow),
    communityId: communityIdOf(row),
    protocol: row.protocol,
    origIp: formatAddress(row.u8, row.at + FlowRowOffset.origAddr),
    origPort: row.origPort,
    respIp: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
    respPort: row.respPort,
    startUs: row.tsFirstUs,
  };
}

/** The flow that a view stands on, with what makes it evidence against its originator. */
export function refOfFlow(view: BatchView): FlowRef {
  const { row } = view;
  const station = stationOf(view);
  return {
    ...refOfRow(row),
    ...(row.protocol === TCP && row.respPayload > 0 ? { isAnswered: true } : {}),
    ...(station === '' ? {} : { station }),
  };
}

/** The flow of an event, its sender for its originator; when the flow began is not known to it. */
export function refOfEvent(event: EventRowView): FlowRef {
  const { protocol, srcAddr, dstAddr, srcPort, dstPort } = event;
  const ends = { protocol, orig: srcAddr, resp: dstAddr, origPort: srcPort, respPort: dstPort };
  return {
    flowId: hex(event.flowIdHigh) + hex(event.flowIdLow),
    communityId: communityIdOfEnds(ends),
    protocol,
    origIp: formatAddress(srcAddr, 0),
    origPort: srcPort,
    respIp: formatAddress(dstAddr, 0),
    respPort: dstPort,
    startUs: event.tsUs,
  };
}

/** "" where the link has no such addresses. */
function stationOf(view: BatchView): string {
  const fields = new TlvReader().open(view.bytes, view.detailAt, view.row.heapBytes);
  while (fields.next()) if (fields.number === EventField.FLOW_DETAIL.MAC_ORIG) return fields.hex();
  return '';
}

const hex = (n: number): string => n.toString(16).padStart(8, '0');
