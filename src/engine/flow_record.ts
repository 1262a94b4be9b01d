import { formatAddress } from '../batch/address.js';
import { communityIdOf } from '../batch/community_id.js';
import { APP_NAMES } from '../batch/generated/names.js';
import { FlowRowOffset, type FlowRowView } from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';

/** A flow that has ended, with its totals, for a program that embeds thymus. */
export interface FlowRecord extends FlowRef {
  /** Packet time of the last packet, microseconds since 1970. */
  readonly endUs: number;
  /** Application protocol, `unknown` when it was not recognised. */
  readonly app: string;
  readonly origPackets: number;
  readonly respPackets: number;
  /** Whole frames as captured, link layer included. */
  readonly origBytes: number;
  readonly respBytes: number;
}

/** Copies what is of interest out of a borrowed row. */
export function flowRecord(row: FlowRowView): FlowRecord {
  const hex = (half: number): string => half.toString(16).padStart(8, '0');
  return {
    flowId: hex(row.flowIdHigh) + hex(row.flowIdLow),
    communityId: communityIdOf(row),
    protocol: row.protocol,
    origIp: formatAddress(row.u8, row.at + FlowRowOffset.origAddr),
    origPort: row.origPort,
    respIp: formatAddress(row.u8, row.at + FlowRowOffset.respAddr),
    respPort: row.respPort,
    startUs: row.tsFirstUs,
    endUs: row.tsLastUs,
    app: APP_NAMES[row.app] ?? 'unknown',
    origPackets: row.origPackets,
    respPackets: row.respPackets,
    origBytes: row.origBytes,
    respBytes: row.respBytes,
  };
}
