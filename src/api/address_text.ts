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
    return isMappedV4(bytes) ? this.#textV4(bytes) : this.#textV6(bytes);
  }

  #textV4(b: Uint8Array): string {
    const key = ((b[12]! << 24) | (b[13]! << 16) | (b[14]! << 8) | b[15]!) >>> 0;
    let text = this.#v4.get(key);
    if (text === undefined) {
      text = `${b[12]}.${b[13]}.${b[14]}.${b[15]}`;
      remember(this.#v4, key, text);
    }
    return text;
  }

  #textV6(b: Uint8Array): string {
    const key = String.fromCharCode(...b);
    let text = this.#v6.get(key);
    if (text === undefined) {
      text = canonicalV6(b);
      remember(this.#v6, key, text);
    }
    return text;
  }
}

export function isMappedV4(b: Uint8Array): boolean {
  if (b[10] !== 0xff || b[11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (b[i] !== 0) return false;
  return true;
}

function remember<K>(map: Map<K, string>, key: K, text: string): void {
  if (map.size >= MOST_KEPT) map.clear();
  map.set(key, text);
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
function canonicalV6(b: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((b[2 * i]! << 8) | b[2 * i + 1]!).toString(16),
  );
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length;) {
    let end = i;
    while (groups[end] === '0') end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = end + 1;
  }
  return best;
}
