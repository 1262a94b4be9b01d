import { EventField } from '../batch/generated/event_schema.js';
import { TlvReader } from '../batch/tlv.js';
import { mixToUint32, pairKey } from '../models/key_set.js';
import type { DetectorContext } from './detector.js';
import { hasFileHead } from './file_heads.js';

const DNS = EventField.DNS;
const QUERY = EventField.DNS.QUERIES;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
/** Of "request" and "response", the first letter that differs. */
const KIND_AT = 2;
const LETTER_Q = 0x71;
const COUNTRY_SUFFIX_MOST = 3;
const NAME_BYTES_MOST = 255;

/** Names that are never registered: special use (RFC 6761, 6762, 8375), and reverse look-ups. */
const PRIVATE_ENDS: readonly Uint8Array[] =
  'arpa int local localhost localdomain lan home internal intranet corp private test invalid onion alt'
    .split(' ')
    .map((label) => new TextEncoder().encode(label));

/** Where names of addresses end, today and once. */
const ARPA = new TextEncoder().encode('arpa');
const INT = new TextEncoder().encode('int');

/** Reads the first question of a `dns` event (native/emit/events/) in place. */
export class DnsReader {
  rcode = 0;
  rrtype = 0;
  /** The name in lower case, without a dot at its end. */
  readonly name = new Uint8Array(NAME_BYTES_MOST);
  length = 0;
  /** Where its registrable part begins: two labels, or three below a country's own suffix. */
  registrableAt = 0;
  /** Where its last label begins. */
  #lastAt = 0;
  /** The name as it was spelt: the event's memory, and where it begins there. */
  #spelt: Uint8Array = this.name;
  #speltAt = 0;
  readonly #fields = new TlvReader();
  readonly #inner = new TlvReader();
  readonly #decoder = new TextDecoder('latin1');

  /**
   * @param wanted which of the two messages the caller judges; the other one is not read
   * @returns false when it has no question with a name of at least two labels
   */
  read({ bytes, bodyAt, bodyBytes }: DetectorContext, wanted: 'request' | 'response'): boolean {
    this.length = 0;
    this.rcode = 0;
    this.rrtype = 0;
    const fields = this.#fields.open(bytes, bodyAt, bodyBytes);
    while (fields.next()) {
      switch (fields.number) {
        case DNS.TYPE:
          if ((bytes[fields.at + KIND_AT] === LETTER_Q) !== (wanted === 'request')) return false;
          break;
        case DNS.RCODE:
          this.rcode = fields.unsigned();
          break;
        case DNS.QUERIES_ID:
          if (this.length === 0) this.#readQuery();
          break;
      }
    }
    return this.length > 0 && this.#findLabels();
  }

  #readQuery(): void {
    const inner = this.#inner.enter(this.#fields);
    while (inner.next()) {
      if (inner.number === QUERY.RRTYPE) this.rrtype = inner.unsigned();
      else if (inner.number === QUERY.RRNAME) this.#takeName(inner);
    }
  }

  #takeName({ bytes, at, length }: TlvReader): void {
    let n = Math.min(length, NAME_BYTES_MOST);
    for (let i = 0; i < n; i++) {
      const byte = bytes[at + i]!;
      this.name[i] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    }
    while (n > 0 && this.name[n - 1] === DOT) n--;
    this.length = n;
    this.#spelt = bytes;
    this.#speltAt = at;
  }

  #findLabels(): boolean {
    const last = this.#labelBefore(this.length);
    const second = this.#labelBefore(last - 1);
    if (last === 0) return false;
    this.#lastAt = last;
    const isCountry = this.length - last === 2 && last - 1 - second <= COUNTRY_SUFFIX_MOST;
    this.registrableAt = isCountry && second > 0 ? this.#labelBefore(second - 1) : second;
    return true;
  }

  /** Where the label begins that ends before `end`. */
  #labelBefore(end: number): number {
    let at = Math.max(0, end);
    while (at > 0 && this.name[at - 1] !== DOT) at--;
    return at;
  }

  /** True when the last label can be a top-level domain: letters, or in Punycode. */
  get hasTopLevel(): boolean {
    const length = this.length - this.#lastAt;
    if (length < 2 || length > 63) return false;
    const { name } = this;
    const at = this.#lastAt;
    const isPunycode =
      length > 4 && name[at] === 0x78 && name[at + 1] === 0x6e && name[at + 2] === 0x2d;
    if (isPunycode) return true;
    for (let i = at; i < this.length; i++) if (name[i]! < 0x61 || name[i]! > 0x7a) return false;
    return length <= 24;
  }

  /** True when anybody could have registered it. */
  get isPublic(): boolean {
    if (!this.hasTopLevel) return false;
    for (let i = 0; i < PRIVATE_ENDS.length; i++)
      if (this.#endsWith(PRIVATE_ENDS[i]!)) return false;
    return true;
  }

  /** True for the name of an address or a service, which says what it says by its form. */
  get isStructured(): boolean {
    if (this.name[0] === UNDERSCORE) return true;
    return this.#endsWith(ARPA) || this.#endsWith(INT);
  }

  /** True when a label begins as a packed file does in letters. While the event is at hand. */
  get hasFileHead(): boolean {
    for (let at = 0; at < this.length; at = this.labelEnd(at) + 1) {
      const end = this.labelEnd(at);
      if (hasFileHead(this.#spelt, this.#speltAt + at, this.#speltAt + end)) return true;
    }
    return false;
  }

  /** True when this is its last label. */
  #endsWith(label: Uint8Array): boolean {
    if (this.length - this.#lastAt !== label.length) return false;
    for (let i = 0; i < label.length; i++) {
      if (this.name[this.#lastAt + i] !== label[i]) return false;
    }
    return true;
  }

  /** Bytes of the label that was registered. */
  get registeredLength(): number {
    return this.labelEnd(this.registrableAt) - this.registrableAt;
  }

  /** Where the label ends that begins at `at`. */
  labelEnd(at: number): number {
    let end = at;
    while (end < this.length && this.name[end] !== DOT) end++;
    return end;
  }

  /** A number below 2^52 for the bytes from `from` to `to` of the name. */
  hash(from: number, to: number): number {
    let a = 0x811c9dc5;
    let b = 0x01000193;
    for (let i = from; i < to; i++) {
      a = Math.imul(a ^ this.name[i]!, 0x01000193);
      b = Math.imul(b ^ this.name[i]!, 0x85ebca6b);
    }
    return pairKey(mixToUint32(a >>> 0), b >>> 0);
  }

  text(from: number, to: number): string {
    return this.#decoder.decode(this.name.subarray(from, to));
  }
}
