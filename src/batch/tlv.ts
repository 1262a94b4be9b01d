import { ThymusError } from '../errors.js';
import { formatAddress } from './address.js';
import type { FieldSchema } from './generated/event_schema.js';

const HEADER_BYTES = 4;
const decoder = new TextDecoder();

/**
 * Reads the fields of an event in place: {u16 number, u16 length, value}, little-endian. Reused: one
 * reader per level of nesting, no object per field.
 *
 *     const fields = new TlvReader();
 *     fields.open(view.bytes, view.bodyAt, view.event.bodyBytes);
 *     while (fields.next()) if (fields.number === EventField.DNS.RCODE) rcode = fields.unsigned();
 */
export class TlvReader {
  bytes: Uint8Array = new Uint8Array(0);
  /** The current field: its number, where its value lies, how long it is. */
  number = 0;
  at = 0;
  length = 0;
  #next = 0;
  #end = 0;

  /** Starts before the first field of `length` bytes at `at`. */
  open(bytes: Uint8Array, at: number, length: number): this {
    if (at + length > bytes.length) throw cut();
    this.bytes = bytes;
    this.#next = at;
    this.#end = at + length;
    return this;
  }

  /** Starts before the first field inside the object that `parent` stands on. */
  enter(parent: TlvReader): this {
    return this.open(parent.bytes, parent.at, parent.length);
  }

  /**
   * Moves to the next field; false after the last.
   * @throws ThymusError INTERNAL when a field reaches past the end
   */
  next(): boolean {
    const start = this.#next;
    if (start === this.#end) return false;
    if (start + HEADER_BYTES > this.#end) throw cut();
    this.number = this.bytes[start]! | (this.bytes[start + 1]! << 8);
    this.length = this.bytes[start + 2]! | (this.bytes[start + 3]! << 8);
    this.at = start + HEADER_BYTES;
    this.#next = this.at + this.length;
    if (this.#next > this.#end) throw cut();
    return true;
  }

  /** The value as a non-negative integer; exact to 2^53. */
  unsigned(): number {
    let value = 0;
    for (let i = Math.min(this.length, 8) - 1; i >= 0; i--) {
      value = value * 256 + this.bytes[this.at + i]!;
    }
    return value;
  }

  /** The value as a 64-bit signed integer, exact between -2^53 and 2^53. */
  signed(): number {
    if (this.length !== 8) return this.unsigned();
    return Number(this.#dataView().getBigInt64(0, true));
  }

  float(): number {
    return this.length === 8 ? this.#dataView().getFloat64(0, true) : this.unsigned();
  }

  text(): string {
    // A shared buffer cannot be decoded in place, so the text is copied first.
    return decoder.decode(this.bytes.slice(this.at, this.at + this.length));
  }

  address(): string {
    return this.length === 16 ? formatAddress(this.bytes, this.at) : '';
  }

  hex(): string {
    let out = '';
    for (let i = 0; i < this.length; i++) {
      out += this.bytes[this.at + i]!.toString(16).padStart(2, '0');
    }
    return out;
  }

  #dataView(): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, this.length);
  }
}

export type TlvValue = number | string | boolean | TlvObject | readonly TlvValue[];
export interface TlvObject {
  [name: string]: TlvValue;
}

/**
 * All fields by name, for output and tests; slow. Lists are arrays, hex fields are hex digits, times
 * are nanoseconds. Numbers that the schema does not know are left out.
 */
export function toObject(
  schema: readonly FieldSchema[],
  bytes: Uint8Array,
  span: { readonly at: number; readonly length: number },
): TlvObject {
  const object: TlvObject = {};
  const reader = new TlvReader().open(bytes, span.at, span.length);
  while (reader.next()) {
    const field = schema[reader.number - 1];
    if (field === undefined) continue;
    const value = valueOf(field, reader);
    if (!field.list && field.type !== 'pairs') object[field.name] = value;
    else ((object[field.name] ??= []) as TlvValue[]).push(value);
  }
  return object;
}

function valueOf(field: FieldSchema, reader: TlvReader): TlvValue {
  switch (field.type) {
    case 'u':
      return reader.unsigned();
    case 'i':
    case 'time':
      return reader.signed();
    case 'f':
      return reader.float();
    case 'bool':
      return reader.unsigned() !== 0;
    case 'str':
      return reader.text();
    case 'hex':
    case 'mac':
      return reader.hex();
    case 'ip':
      return reader.address();
    case 'obj':
    case 'pairs':
    case 'event':
      return toObject(field.fields, reader.bytes, reader);
  }
}

function cut(): ThymusError {
  return new ThymusError('INTERNAL', 'An event of the native core ends inside of a field.');
}
