import { EventField } from '../batch/generated/event_schema.js';
import { TlvReader } from '../batch/tlv.js';
import { mixToUint32, pairKey } from '../models/key_set.js';

const HTTP = EventField.HTTP;
const QUESTION = 0x3f;
const HASH_SIGN = 0x23;
const FAILED_FROM = 400;
const UNAUTHORIZED = 401;

/** Digits from which on a number is a time or a token, and not the key of a record. */
const KEY_DIGITS_MOST = 9;

/** What pages are made of besides documents, by content type and by the end of a path. */
const PART_TYPES = /^(image|font|video|audio)\/|css|javascript|octet-stream|zip|ocsp|debian|pkix/i;
const PART_ENDS =
  /\.(png|jpe?g|gif|svg|ico|webp|avif|css|m?js|map|woff2?|ttf|eot|mp[34]|m4s|ts|webm|deb|rpm|cab|exe|zip|gz)$/i;

/** Reads what a `http` event (native/emit/events/) asked for, in place. */
export class RequestReader {
  /** Numbers for the resource, and for its form, in which all keys are alike. */
  resource = 0;
  form = 0;
  hasKey = false;
  /** It was refused, is not there, or nobody answered. */
  isMiss = false;
  /** It is a document by itself, and not a part of a page. */
  isDocument = false;
  readonly #fields = new TlvReader();

  /** @returns false for an event that asks for no resource */
  read(bytes: Uint8Array, at: number, length: number): boolean {
    const fields = this.#fields.open(bytes, at, length);
    let status = 0;
    let type = '';
    let url = -1;
    let urlEnd = -1;
    while (fields.next()) {
      if (fields.number === HTTP.STATUS) status = fields.unsigned();
      else if (fields.number === HTTP.HTTP_CONTENT_TYPE) type = fields.text();
      else if (fields.number === HTTP.URL) {
        url = fields.at;
        urlEnd = fields.at + fields.length;
      }
    }
    if (url < 0 || url === urlEnd) return false;
    this.#hash(bytes, url, urlEnd);
    this.isMiss = (status >= FAILED_FROM && status !== UNAUTHORIZED) || status === 0;
    this.isDocument = !PART_TYPES.test(type) && !this.#endsAsPart(bytes, url, urlEnd);
    return true;
  }

  #hash(bytes: Uint8Array, from: number, to: number): void {
    let resource = 0x811c9dc5;
    let form = 0x811c9dc5;
    this.hasKey = false;
    for (let i = from; i < to;) {
      let byte = bytes[i]!;
      let end = i;
      while (end < to && isDigit(bytes[end]!)) end++;
      const digits = end - i;
      const isKey = digits > 0 && digits <= KEY_DIGITS_MOST;
      if (isKey) {
        for (let k = i; k < end; k++) resource = Math.imul(resource ^ bytes[k]!, 0x01000193);
        this.hasKey = true;
      }
      if (digits > 0) byte = HASH_SIGN;
      if (!isKey) resource = Math.imul(resource ^ byte, 0x01000193);
      form = Math.imul(form ^ byte, 0x01000193);
      i = digits > 0 ? end : i + 1;
    }
    this.resource = pairKey(mixToUint32(resource >>> 0), (to - from) * 2 + 1);
    this.form = pairKey(mixToUint32(form >>> 0), 2);
  }

  #endsAsPart(bytes: Uint8Array, from: number, to: number): boolean {
    let end = from;
    while (end < to && bytes[end] !== QUESTION) end++;
    let name = '';
    for (let i = Math.max(from, end - 6); i < end; i++) name += String.fromCharCode(bytes[i]!);
    return PART_ENDS.test(name);
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
