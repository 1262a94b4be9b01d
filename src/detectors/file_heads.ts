const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * What files begin with, of formats that data is packed into before it is carried off, and of keys.
 * Each is at least four bytes long.
 */
const HEADS: readonly Uint8Array[] = [
  // gzip (RFC 1952): deflate, without flags or with the name of the file.
  Uint8Array.of(0x1f, 0x8b, 0x08, 0x00),
  Uint8Array.of(0x1f, 0x8b, 0x08, 0x08),
  textBytes('PK\x03\x04'),
  textBytes('Rar!\x1a\x07'),
  textBytes('BZh91AY'),
  Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c),
  Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a),
  textBytes('%PDF-'),
  textBytes('-----BEGIN'),
];

/** RFC 4648. */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BASE16 = '0123456789abcdef';

const AS_SPELT = HEADS.map((head) => encoded(head, BASE64));
const IN_ANY_CASE = [BASE32, BASE16].flatMap((alphabet) =>
  HEADS.map((head) => encoded(head, alphabet)),
);

/** Bytes that one of them begins with, since few labels do. */
const FIRST = new Uint8Array(256);
for (const [first] of AS_SPELT) FIRST[first!] = 1;
for (const [first] of IN_ANY_CASE) FIRST[first!] = FIRST[upperCase(first!)] = 1;

/**
 * True when the bytes from `at` to `end` begin as such a file does in Base64, in Base32 or in
 * hexadecimal digits. What is drawn at random from one of these alphabets does so less often than once
 * in 2^27: of each head at least 30 bits are compared.
 */
export function hasFileHead(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end || FIRST[bytes[at]!] === 0) return false;
  for (let i = 0; i < AS_SPELT.length; i++) {
    if (beginsWith(AS_SPELT[i]!, bytes, at, end, same)) return true;
  }
  for (let i = 0; i < IN_ANY_CASE.length; i++) {
    if (beginsWith(IN_ANY_CASE[i]!, bytes, at, end, lowerCase)) return true;
  }
  return false;
}

/** The letters that the bytes settle, whatever follows them. */
function encoded(bytes: Uint8Array, alphabet: string): Uint8Array {
  const width = Math.log2(alphabet.length);
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = bits.match(new RegExp(`.{${width}}`, 'g'))!;
  return textBytes(letters.map((letter) => alphabet[parseInt(letter, 2)]!).join(''));
}

function beginsWith(
  head: Uint8Array,
  bytes: Uint8Array,
  at: number,
  end: number,
  fold: (byte: number) => number,
): boolean {
  if (end - at < head.length) return false;
  for (let i = 0; i < head.length; i++) if (fold(bytes[at + i]!) !== head[i]) return false;
  return true;
}

function same(byte: number): number {
  return byte;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function upperCase(byte: number): number {
  return byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
}
