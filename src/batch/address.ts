/**
 * The text of a 16-byte address as the core stores it: IPv6 in the shortest form (RFC 5952), an
 * IPv4 address (::ffff:a.b.c.d) as four decimal numbers alone.
 */
export function formatAddress(bytes: Uint8Array, at: number): string {
  if (isIpv4(bytes, at)) {
    return `${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`;
  }
  const zeros = longestZeroRun(bytes, at);
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === zeros.start) {
      text += '::';
      i += zeros.length - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += group(bytes, at, i).toString(16);
  }
  return text;
}

/** True for an IPv4 address, which the core stores as ::ffff:a.b.c.d. */
export function isIpv4(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

const group = (bytes: Uint8Array, at: number, i: number): number =>
  (bytes[at + 2 * i]! << 8) | bytes[at + 2 * i + 1]!;

/** The first of the longest runs of at least two zero groups; start -1 when there is none. */
function longestZeroRun(bytes: Uint8Array, at: number): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  let length = 0;
  for (let i = 0; i < 8; i++) {
    length = group(bytes, at, i) === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
