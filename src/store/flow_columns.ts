import { formatAddress } from '../batch/address.js';
import { EVENT_SCHEMA, EventType, type FieldSchema } from '../batch/generated/event_schema.js';
import { APP_NAMES } from '../batch/generated/names.js';
import {
  EndReasons,
  FLOW_ROW_FIELDS,
  FlowRowOffset,
  FlowStates,
  type FlowRowView,
  type RecordField,
} from '../batch/generated/record_layout.js';
import { TlvReader, toObject, type TlvObject } from '../batch/tlv.js';

/*
 * A flow record as a row of a table: every column of native/emit/record.def, in its order, then the
 * fields of `flow_detail`. Made from the generated lists, so that a new field is a new column.
 *
 * Differences from the record: what was not measured is null; addresses and the names of
 * application, state and end reason are text; pairs of 32-bit halves are one column of 16 hex
 * digits; offsets into a batch are left out.
 */

export type FlowValue = number | string | readonly number[] | null;

export interface FlowColumn {
  readonly name: string;
  /** number: exact in a double; integers: a list; text: also null. */
  readonly kind: 'number' | 'text' | 'integers';
  readonly valueOf: (row: FlowRowView, detail: TlvReader) => FlowValue;
}

/** log2 of the size of each type. */
const SHIFTS = { u8: 0, u16: 1, i16: 1, u32: 2, f64: 3 } as const;

const NAMES: Readonly<Record<string, (value: number) => string>> = {
  app: (value) => APP_NAMES[value] ?? String(value),
  state: nameIn(FlowStates),
  end_reason: nameIn(EndReasons),
};

/** Only where a record lies in its batch: says nothing about the flow. */
const LEFT_OUT = new Set(['heap_offset', 'heap_bytes', 'flow_id_high']);

export const FLOW_COLUMNS: readonly FlowColumn[] = [
  ...FLOW_ROW_FIELDS.filter((field) => !LEFT_OUT.has(field.name)).map(columnOf),
  ...EVENT_SCHEMA.get(EventType.FLOW_DETAIL)!.fields.map((field, index) =>
    detailColumn(field, index + 1),
  ),
];

const reader = new TlvReader();

/** All values of one record, in the order of FLOW_COLUMNS. */
export function flowValues(row: FlowRowView, detail: Uint8Array): FlowValue[] {
  reader.open(detail, 0, detail.length);
  return FLOW_COLUMNS.map((column) => column.valueOf(row, reader));
}

function columnOf(field: RecordField): FlowColumn {
  const { name, type, count, offset } = field;
  if (name === 'flow_id_low') return flowIdColumn();
  if (type === 'u8' && count === 16) {
    return { name, kind: 'text', valueOf: (row) => formatAddress(row.u8, row.at + offset) };
  }
  if (type === 'u32' && count === 2) return hexPairColumn(field);
  if (count > 1) return listColumn(field);
  return NAMES[name] === undefined ? numberColumn(field) : nameColumn(field, NAMES[name]);
}

function numberColumn({ name, type, offset, absent }: RecordField): FlowColumn {
  const shift = SHIFTS[type];
  const index = offset >> shift;
  const valueOf = (row: FlowRowView): number | null => {
    const value = row[type][(row.at >> shift) + index]!;
    return value === absent ? null : value;
  };
  return { name, kind: 'number', valueOf };
}

function nameColumn(field: RecordField, nameOf: (value: number) => string): FlowColumn {
  const { valueOf } = numberColumn(field);
  return {
    name: field.name,
    kind: 'text',
    valueOf: (row, detail) => {
      const value = valueOf(row, detail);
      return value === null ? null : nameOf(value as number);
    },
  };
}

function listColumn({ name, type, count, offset }: RecordField): FlowColumn {
  const shift = SHIFTS[type];
  return {
    name,
    kind: 'integers',
    valueOf: (row) => {
      const first = (row.at + offset) >> shift;
      return Array.from(row[type].subarray(first, first + count));
    },
  };
}

function hexPairColumn({ name, offset, absent }: RecordField): FlowColumn {
  return {
    name,
    kind: 'text',
    valueOf: (row) => {
      const at = (row.at + offset) >> 2;
      const [low, high] = [row.u32[at]!, row.u32[at + 1]!];
      return low === absent && high === absent ? null : hexPair(high, low);
    },
  };
}

function flowIdColumn(): FlowColumn {
  const low = FlowRowOffset.flowIdLow >> 2;
  const high = FlowRowOffset.flowIdHigh >> 2;
  return {
    name: 'flow_id',
    kind: 'text',
    valueOf: (row) => hexPair(row.u32[(row.at >> 2) + high]!, row.u32[(row.at >> 2) + low]!),
  };
}

function detailColumn(field: FieldSchema, number: number): FlowColumn {
  const { name, type, list } = field;
  if (type === 'obj') return objectColumn(field, number);
  if (list) {
    return {
      name,
      kind: 'integers',
      valueOf: (_, detail) => {
        const values: number[] = [];
        eachDetail(detail, number, () => values.push(detail.unsigned()));
        return values;
      },
    };
  }
  const form = type === 'hex' ? 'hex' : type === 'u' ? 'unsigned' : 'text';
  return {
    name,
    kind: type === 'u' ? 'number' : 'text',
    valueOf: (_, detail) => {
      let value: FlowValue = null;
      eachDetail(detail, number, () => (value ??= detail[form]()));
      return value;
    },
  };
}

/** An object, or a list of them, as JSON. */
function objectColumn({ name, list, fields }: FieldSchema, number: number): FlowColumn {
  return {
    name,
    kind: 'text',
    valueOf: (_, detail) => {
      const values: TlvObject[] = [];
      eachDetail(detail, number, () => values.push(toObject(fields, detail.bytes, detail)));
      if (values.length === 0) return null;
      return JSON.stringify(list ? values : values[0]);
    },
  };
}

function eachDetail(detail: TlvReader, number: number, visit: () => void): void {
  detail.open(detail.bytes, 0, detail.bytes.length);
  while (detail.next()) if (detail.number === number && detail.length > 0) visit();
}

function hexPair(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function nameIn(names: Readonly<Record<string, number>>): (value: number) => string {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return (value) => byValue.get(value) ?? String(value);
}
