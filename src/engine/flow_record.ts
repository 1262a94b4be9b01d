import { APP_NAMES } from '../batch/generated/names.js';
import type { FlowRowView } from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';
import { refOfRow } from './flow_ref.js';

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
  return {
    ...refOfRow(row),
    endUs: row.tsLastUs,
    app: APP_NAMES[row.app] ?? 'unknown',
    origPackets: row.origPackets,
    respPackets: row.respPackets,
    origBytes: row.origBytes,
    respBytes: row.respBytes,
  };
}
