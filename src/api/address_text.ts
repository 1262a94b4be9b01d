import { formatAddress, isIpv4 } from '../batch/address.js';

const MOST_KEPT = 1 << 16;

/**
 * Addresses of records as canonical text, with a bounded memory of those already written: the same
 * few hosts come again and again.
 */
export class AddressText {
  readonly #v4 = new Map<number, string>();
  readonly #v6 = new Map<string, string>();

  /** @param bytes 16 bytes in network order; IPv4 as ::ffff:a.b.c.d */
  of(bytes: Uint8Array): string {
    if (!isIpv4(bytes, 0)) return kept(this.#v6, String.fromCharCode(...bytes), bytes);
    const [a, b, c, d] = [bytes[12]!, bytes[13]!, bytes[14]!, bytes[15]!];
    return kept(this.#v4, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, bytes);
  }
}

function kept<K>(memory: Map<K, string>, key: K, bytes: Uint8Array): string {
  let text = memory.get(key);
  if (text === undefined) {
    text = formatAddress(bytes, 0);
    if (memory.size >= MOST_KEPT) memory.clear();
    memory.set(key, text);
  }
  return text;
}
