import type { FieldSchema } from '../batch/generated/event_schema.js';
import { AddressText } from './address_text.js';
import { jsonBytes, jsonNumber } from './json_text.js';
import { eveTime } from './time_text.js';

/*
 * Event bodies as JSON, straight from their bytes.
 *
 * A body is a sequence of fields {u16 number, u16 length, value}, little-endian, as
 * native/base/event_writer.h writes it. The schema says what each number means; `planFields` turns
 * it once into a plan with ready-made keys, and `bodyJson` walks a body along it. Fields come out in
 * the order of the schema, whatever their order in the body; a list is its field repeated.
 */

/** Where EVE shows a field in another form than its schema type. */
export interface FieldForm {
  /** JSON text of a number. */
  readonly number?: (value: number) => string;
}

/** Forms by path, e.g. "answers.rrtype". */
export type FieldForms = Readonly<Record<string, FieldForm>>;

export interface FieldPlan {
  readonly number: number;
  readonly key: string;
  readonly type: FieldSchema['type'];
  readonly list: boolean;
  /** A boolean that is shown when it is false, too; the others EVE leaves out. */
  readonly showFalse: boolean;
  /** Stands beside the event's own object. */
  readonly beside: boolean;
  readonly form: FieldForm;
  readonly fields: readonly FieldPlan[];
}

const HEADER_BYTES = 4;
const addresses = new AddressText();

export function planFields(
  fields: readonly FieldSchema[],
  forms: FieldForms = {},
  path = '',
): FieldPlan[] {
  return fields.map((field, index) => ({
    number: index + 1,
    key: `"${field.name}":`,
    type: field.type,
    list: field.list,
    showFalse: field.showFalse === true,
    beside: field.beside === true,
    form: forms[path + field.name] ?? {},
    fields: planFields(field.fields, forms, `${path}${field.name}.`),
  }));
}

/** The members of a JSON object, without its braces, for the fields in bytes [at, end). */
export function bodyJson(
  plan: readonly FieldPlan[],
  bytes: Buffer,
  at: number,
  end: number,
): string {
  let out = '';
  for (const field of plan) {
    const value = fieldJson(field, bytes, at, end);
    if (value === '') continue;
    out += out === '' ? field.key + value : `,${field.key}${value}`;
  }
  return out;
}

function fieldJson(field: FieldPlan, bytes: Buffer, at: number, end: number): string {
  if (field.type === 'pairs') return pairsJson(field, bytes, at, end);
  return field.list ? listJson(field, bytes, at, end) : firstJson(field, bytes, at, end);
}

/** Calls `visit` with number and bounds of each field. A body that is cut ends the walk. */
export function eachField(
  bytes: Buffer,
  [at, end]: readonly [number, number],
  visit: (number: number, from: number, to: number) => void,
): void {
  while (at + HEADER_BYTES <= end) {
    const from = at + HEADER_BYTES;
    const to = from + bytes.readUInt16LE(at + 2);
    if (to > end) return;
    visit(bytes.readUInt16LE(at), from, to);
    at = to;
  }
}

/** The same for the values of one field. */
export function eachValue(
  number: number,
  bytes: Buffer,
  span: readonly [number, number],
  visit: (from: number, to: number) => void,
): void {
  eachField(bytes, span, (found, from, to) => {
    if (found === number) visit(from, to);
  });
}

/** An unsigned number in 1, 2, 4 or 8 bytes. */
export function readUnsigned(bytes: Buffer, from: number, to: number): number {
  switch (to - from) {
    case 1:
      return bytes.readUInt8(from);
    case 2:
      return bytes.readUInt16LE(from);
    case 4:
      return bytes.readUInt32LE(from);
    case 8:
      return bytes.readUInt32LE(from) + bytes.readUInt32LE(from + 4) * 2 ** 32;
    default:
      return 0;
  }
}

/** The first value of one field; empty when it is not there. */
export function firstJson(field: FieldPlan, bytes: Buffer, at: number, end: number): string {
  while (at + HEADER_BYTES <= end) {
    const from = at + HEADER_BYTES;
    const to = from + bytes.readUInt16LE(at + 2);
    if (to > end) return '';
    if (bytes.readUInt16LE(at) === field.number) return valueJson(field, bytes, from, to);
    at = to;
  }
  return '';
}

function listJson(field: FieldPlan, bytes: Buffer, at: number, end: number): string {
  let out = '';
  eachValue(field.number, bytes, [at, end], (from, to) => {
    out += (out === '' ? '[' : ',') + valueJson(field, bytes, from, to);
  });
  return out === '' ? '' : `${out}]`;
}

/** Members by their names: of one object, or as a list of objects with one member each. */
function pairsJson(field: FieldPlan, bytes: Buffer, at: number, end: number): string {
  const [name, number, text] = field.fields as [FieldPlan, FieldPlan, FieldPlan];
  const members: string[] = [];
  eachValue(field.number, bytes, [at, end], (from, to) => {
    const value = firstJson(number, bytes, from, to) || firstJson(text, bytes, from, to);
    const member = `${firstJson(name, bytes, from, to) || '""'}:${value || '""'}`;
    members.push(field.list ? `{${member}}` : member);
  });
  if (members.length === 0) return '';
  return field.list ? `[${members.join(',')}]` : `{${members.join(',')}}`;
}

/** Empty when the value is not to be shown. */
function valueJson(field: FieldPlan, bytes: Buffer, from: number, to: number): string {
  switch (field.type) {
    case 'u':
      return numberJson(field.form, readUnsigned(bytes, from, to));
    case 'bool':
      return readUnsigned(bytes, from, to) !== 0 ? 'true' : field.showFalse ? 'false' : '';
    case 'str':
      return jsonBytes(bytes, from, to);
    case 'hex':
      return `"${bytes.toString('hex', from, to)}"`;
    case 'mac':
      return `"${bytes.toString('hex', from, to).replace(/..(?=.)/g, '$&:')}"`;
    case 'ip':
      return to - from === 16 ? `"${addresses.of(bytes.subarray(from, to))}"` : '';
    case 'obj':
    case 'pairs':
    case 'event':
      return `{${bodyJson(field.fields, bytes, from, to)}}`;
    case 'i':
    case 'f':
    case 'time':
      return to - from === 8 ? eightByteJson(field, bytes, from) : '';
  }
}

function eightByteJson(field: FieldPlan, bytes: Buffer, from: number): string {
  if (field.type === 'f') return numberJson(field.form, bytes.readDoubleLE(from));
  const value = bytes.readBigInt64LE(from);
  if (field.type === 'time') return `"${eveTime(Number(value / 1000n))}"`;
  return field.form.number ? field.form.number(Number(value)) : String(value);
}

function numberJson(form: FieldForm, value: number): string {
  return form.number ? form.number(value) : jsonNumber(value);
}
