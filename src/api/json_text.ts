const NEEDS_ESCAPE = /[\x00-\x1f"\\\x7f-\uffff]/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A string as a JSON string. Most strings of a network need no escape, which is checked first. */
export function jsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** A number as JSON, which knows no infinity and no NaN: those become null. */
export function jsonNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : 'null';
}

export function jsonStrings(texts: readonly string[]): string {
  return `[${texts.map(jsonString).join(',')}]`;
}

/**
 * Bytes from the network as a JSON string: as UTF-8 where they are UTF-8, else with each byte
 * outside of ASCII shown as \xNN, so that nothing is lost.
 */
export function jsonBytes(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('latin1', from, to);
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  try {
    // A shared buffer cannot be decoded in place, so the text is copied first.
    return JSON.stringify(utf8.decode(Uint8Array.from(bytes.subarray(from, to))));
  } catch {
    return JSON.stringify(text.replace(/[\x80-\xff]/g, hexEscape));
  }
}

function hexEscape(c: string): string {
  return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
