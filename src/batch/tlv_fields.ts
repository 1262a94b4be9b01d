/*
 * Fields of an event or a detail as the core writes them (batch/tlv.ts), for what is added to them
 * here. What is not known has no field.
 */

const NONE = Buffer.alloc(0);

export function fieldOf(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(number, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

export function textField(number: number, text: string): Buffer {
  return text === '' ? NONE : fieldOf(number, Buffer.from(text));
}

/** @param value a whole number from 0 to 2^53, or null */
export function numberField(number: number, value: number | null): Buffer {
  if (value === null) return NONE;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return fieldOf(number, bytes);
}
