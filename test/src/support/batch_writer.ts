import {
  BATCH_HEADER_BYTES,
  BatchHeaderOffset,
  EVENT_ROW_BYTES,
  EventRowOffset,
  FLOW_ROW_BYTES,
  FlowRowAbsent,
  FlowRowOffset,
  LAYOUT_HASH,
} from '../../../src/batch/generated/record_layout.js';
import { EVENT_SCHEMA, type FieldSchema } from '../../../src/batch/generated/event_schema.js';

type RowField = keyof typeof FlowRowOffset;
type EventFieldName = keyof typeof EventRowOffset;

/** A flow row to write; what is not given is zero or absent. Addresses are text. */
export type RowSpec = {
  [F in Exclude<RowField, 'origAddr' | 'respAddr' | 'segmentBytes'>]?: number;
} & {
  origAddr: string;
  respAddr: string;
  segmentBytes?: readonly number[];
  detail?: Fields;
};

/** An event to write: its kind, its fields by name. */
export type EventSpec = {
  [F in Exclude<EventFieldName, 'srcAddr' | 'dstAddr' | 'type' | 'bodyBytes'>]?: number;
} & { kind: string; fields: Fields; srcAddr?: string; dstAddr?: string };

export interface Fields {
  [name: string]: number | string | boolean | Fields | readonly (number | string | Fields)[];
}

const F64_ROW = new Set<string>(
  'orderIndex timeUs tsFirstUs tsLastUs origKey respKey origBytes respBytes origPayload respPayload tsUs watermarkUs watermarkIndex'.split(
    ' ',
  ),
);
const U32_ROW = new Set<string>(
  'flowIdLow flowIdHigh origPackets respPackets orderSub heapOffset heapBytes rttUs serverTimeUs tunnelId bodyBytes'.split(
    ' ',
  ),
);
const U16_ROW = new Set<string>(
  'origPort respPort vlanOuter vlanInner sliceId flags app origRetransmissions respRetransmissions outOfOrder zeroWindows origWindow origMss type srcPort dstPort'.split(
    ' ',
  ),
);

/** Builds the bytes of batches as the native core does, to drive the pipeline without it. */
export class BatchWriter {
  readonly #rows: RowSpec[] = [];
  readonly #events: EventSpec[] = [];
  watermarkUs = 0;

  row(spec: RowSpec): this {
    this.#rows.push(spec);
    return this;
  }

  event(spec: EventSpec): this {
    this.#events.push(spec);
    return this;
  }

  get size(): number {
    return this.#rows.length + this.#events.length;
  }

  /** The batch; rows and events must have been added in their order. */
  finish(): Uint8Array {
    const details = this.#rows.map((row) => encodeEvent('flow_detail', row.detail ?? {}));
    const bodies = this.#events.map((event) => encodeEvent(event.kind, event.fields));
    const eventBytes = bodies.reduce((n, b) => n + EVENT_ROW_BYTES + pad8(b.length), 0);
    const rowsOffset = BATCH_HEADER_BYTES;
    const eventsOffset = rowsOffset + this.#rows.length * FLOW_ROW_BYTES;
    const heapOffset = eventsOffset + eventBytes;
    const total = heapOffset + details.reduce((n, d) => n + d.length, 0);
    const bytes = new Uint8Array(Math.ceil(total / 64) * 64);
    const view = new DataView(bytes.buffer);
    const header = { magic: 0x54485942, layout: LAYOUT_HASH, totalBytes: total };
    const counts = { nRows: this.#rows.length, nEvents: this.#events.length };
    const sections = { rowsOffset, eventsOffset, heapOffset, queue: 0, flags: 0 };
    for (const [name, value] of Object.entries({ ...header, ...counts, ...sections })) {
      view.setUint32(BatchHeaderOffset[name as keyof typeof BatchHeaderOffset], value, true);
    }
    view.setFloat64(BatchHeaderOffset.watermarkUs, this.watermarkUs, true);
    this.#writeRows(bytes, details, { rowsOffset, heapOffset });
    this.#writeEvents(bytes, bodies, eventsOffset);
    return bytes;
  }

  #writeRows(
    bytes: Uint8Array,
    details: Uint8Array[],
    at: { rowsOffset: number; heapOffset: number },
  ): void {
    let heap = 0;
    this.#rows.forEach((row, i) => {
      const { origAddr, respAddr, segmentBytes, detail: _, ...numbers } = row;
      const base = at.rowsOffset + i * FLOW_ROW_BYTES;
      const { segmentBytes: __, segmentGaps: ___, ...absent } = FlowRowAbsent;
      const place = { heapOffset: heap, heapBytes: details[i]!.length };
      const values = { ...absent, ...numbers, ...place } as Record<string, number>;
      writeNumbers(bytes, base, FlowRowOffset, values);
      bytes.set(addressBytes(origAddr), base + FlowRowOffset.origAddr);
      bytes.set(addressBytes(respAddr), base + FlowRowOffset.respAddr);
      const view = new DataView(bytes.buffer);
      segmentBytes?.forEach((n, k) =>
        view.setInt16(base + FlowRowOffset.segmentBytes + 2 * k, n, true),
      );
      bytes.set(details[i]!, at.heapOffset + heap);
      heap += details[i]!.length;
    });
  }

  #writeEvents(bytes: Uint8Array, bodies: Uint8Array[], eventsOffset: number): void {
    let at = eventsOffset;
    this.#events.forEach((event, i) => {
      const { kind, fields: _, srcAddr, dstAddr, ...numbers } = event;
      const [type] = eventKind(kind);
      const values = { ...numbers, type, bodyBytes: bodies[i]!.length } as Record<string, number>;
      writeNumbers(bytes, at, EventRowOffset, values);
      if (srcAddr !== undefined) bytes.set(addressBytes(srcAddr), at + EventRowOffset.srcAddr);
      if (dstAddr !== undefined) bytes.set(addressBytes(dstAddr), at + EventRowOffset.dstAddr);
      bytes.set(bodies[i]!, at + EVENT_ROW_BYTES);
      at += EVENT_ROW_BYTES + pad8(bodies[i]!.length);
    });
  }
}

const pad8 = (n: number): number => Math.ceil(n / 8) * 8;

function writeNumbers(
  bytes: Uint8Array,
  base: number,
  offsets: Readonly<Record<string, number>>,
  values: Readonly<Record<string, number>>,
): void {
  const view = new DataView(bytes.buffer);
  for (const [name, value] of Object.entries(values)) {
    const offset = offsets[name];
    if (offset === undefined) throw new Error(`no field ${name}`);
    if (F64_ROW.has(name)) view.setFloat64(base + offset, value, true);
    else if (U32_ROW.has(name)) view.setUint32(base + offset, value, true);
    else if (U16_ROW.has(name)) view.setUint16(base + offset, value, true);
    else view.setUint8(base + offset, value);
  }
}

/** 16 bytes of an IPv4 address in dots or an IPv6 address in groups (with "::"). */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (!text.includes(':')) {
    bytes.set([0xff, 0xff, ...text.split('.').map(Number)], 10);
    return bytes;
  }
  const [head, tail] = text.split('::') as [string, string | undefined];
  const groups = (part: string | undefined): number[] =>
    part ? part.split(':').map((g) => parseInt(g, 16)) : [];
  const first = groups(head);
  const last = groups(tail);
  first.forEach((g, i) => bytes.set([g >> 8, g & 255], 2 * i));
  last.forEach((g, i) => bytes.set([g >> 8, g & 255], 16 - 2 * (last.length - i)));
  return bytes;
}

function eventKind(name: string): [number, FieldSchema] {
  const kind = [...EVENT_SCHEMA].find(([, schema]) => schema.name === name);
  if (kind === undefined) throw new Error(`no event ${name}`);
  return kind;
}

function encodeEvent(kind: string, fields: Fields): Uint8Array {
  return encodeFields(eventKind(kind)[1].fields, fields);
}

function encodeFields(schema: readonly FieldSchema[], fields: Fields): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const index = schema.findIndex((f) => f.name === name);
    if (index < 0) throw new Error(`no field ${name}`);
    for (const one of Array.isArray(value) ? value : [value]) {
      const encoded = encodeValue(schema[index]!, one as number | string | boolean | Fields);
      const header = [index + 1, (index + 1) >> 8, encoded.length, encoded.length >> 8];
      parts.push(Uint8Array.from(header), encoded);
    }
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function encodeValue(field: FieldSchema, value: number | string | boolean | Fields): Uint8Array {
  if (typeof value === 'object') return encodeFields(field.fields, value);
  if (field.type === 'ip') return addressBytes(String(value));
  if (field.type === 'mac')
    return Uint8Array.from(Buffer.from(String(value).replaceAll(':', ''), 'hex'));
  if (field.type === 'hex') return Uint8Array.from(Buffer.from(String(value), 'hex'));
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (field.type === 'f') return new Uint8Array(Float64Array.of(Number(value)).buffer);
  if (field.type === 'i' || field.type === 'time') {
    return new Uint8Array(BigInt64Array.of(BigInt(Number(value))).buffer);
  }
  return unsignedBytes(Number(value));
}

function unsignedBytes(value: number): Uint8Array {
  const size = value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : value < 2 ** 32 ? 4 : 8;
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer.slice(0, size));
}
