import {
  EVENT_ROW_BYTES,
  EventRowOffset,
  EventRowView,
  FLOW_ROW_BYTES,
  FlowRowOffset,
  FlowRowView,
} from '../../../src/batch/generated/record_layout.js';

/** 2026-11-20T20:20:00.123456Z. */
export const T0_US = Date.UTC(2026, 10, 20, 20, 20, 0) * 1e3 + 123456;

type FlowField = keyof typeof FlowRowOffset;
type EventField = keyof typeof EventRowOffset;
const F64 = /^(ts|time|orderIndex|watermark)|Key$|Bytes$|Payload$/;
const U32 = /^(flowId|orderSub|heap|rttUs|serverTime|tunnelId|bodyBytes)|Packets$/;
const U16 = /Port$|^vlan|^(sliceId|flags|app|type)$/;

/** A flow record as the core would write it: TCP, finished, with both directions seen. */
export function flowRow(fields: Partial<Record<FlowField, number | Uint8Array>> = {}): FlowRowView {
  const view = new FlowRowView(new ArrayBuffer(FLOW_ROW_BYTES));
  const defaults = {
    tsFirstUs: T0_US,
    tsLastUs: T0_US + 2_500_000,
    timeUs: T0_US + 3_000_000,
    flowIdLow: 7,
    flowIdHigh: 1,
    origAddr: v4(10, 0, 0, 5),
    respAddr: v4(192, 0, 2, 80),
    origPort: 49152,
    respPort: 443,
    origPackets: 6,
    respPackets: 4,
    origBytes: 900,
    respBytes: 5000,
    vlanOuter: 0xffff,
    vlanInner: 0xffff,
    sliceId: 0xffff,
    rttUs: 0xffffffff,
    serverTimeUs: 0xffffffff,
    flags: 32,
    event: 4,
    endReason: 3,
    ipVersion: 4,
    protocol: 6,
    state: 3,
    origTcpFlags: 0x1b,
    respTcpFlags: 0x13,
  };
  return fill(view, FlowRowOffset, { ...defaults, ...fields });
}

/** An event row: a UDP packet to port 53. */
export function eventRow(
  fields: Partial<Record<EventField, number | Uint8Array>> = {},
): EventRowView {
  const view = new EventRowView(new ArrayBuffer(EVENT_ROW_BYTES));
  const defaults = {
    orderIndex: 41,
    timeUs: T0_US,
    tsUs: T0_US,
    flowIdLow: 9,
    srcAddr: v4(10, 0, 0, 5),
    dstAddr: v4(10, 0, 0, 1),
    srcPort: 40000,
    dstPort: 53,
    protocol: 17,
  };
  return fill(view, EventRowOffset, { ...defaults, ...fields });
}

export function v4(...octets: readonly [number, number, number, number]): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...octets);
}

export function v6(...groups: readonly number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** One field of an event body, in the form of native/base/event_writer.h. */
export function tlv(number: number, value: number | string | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? unsignedBytes(value) : Buffer.from(value);
  const header = Buffer.alloc(4);
  header.writeUInt16LE(number, 0);
  header.writeUInt16LE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

export function tlvs(...fields: readonly Buffer[]): Buffer {
  return Buffer.concat(fields);
}

function unsignedBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  const size = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
  return bytes.subarray(0, size);
}

type View = { u8: Uint8Array; u32: Uint32Array; f64: Float64Array };

function fill<V extends View>(
  view: V,
  offsets: Readonly<Record<string, number>>,
  fields: Readonly<Record<string, number | Uint8Array | undefined>>,
): V {
  const data = new DataView(view.u8.buffer);
  for (const [name, value] of Object.entries(fields)) {
    const at = offsets[name];
    if (at === undefined || value === undefined) throw new Error(`no field ${name}`);
    if (typeof value !== 'number') view.u8.set(value, at);
    else if (U32.test(name)) data.setUint32(at, value, true);
    else if (F64.test(name)) data.setFloat64(at, value, true);
    else if (U16.test(name)) data.setUint16(at, value, true);
    else data.setUint8(at, value);
  }
  return view;
}
