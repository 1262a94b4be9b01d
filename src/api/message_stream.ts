/** Longest message of a stream. */
export const MOST_MESSAGE_BYTES = 1024 * 1024;
const MOST_LENGTH_BYTES = 4;

/** Cuts a stream of bytes into messages, each preceded by its length as a varint. */
export class MessageStream {
  #rest: Uint8Array = new Uint8Array();

  /**
   * @returns the messages that are whole by now
   * @throws RangeError when one says that it is longer than is allowed
   */
  take(bytes: Uint8Array): Uint8Array[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (at < all.length) {
      const length = lengthAt(all, at);
      if (length === null || all.length - length.end < length.value) break;
      messages.push(all.subarray(length.end, length.end + length.value));
      at = length.end + length.value;
    }
    this.#rest = all.subarray(at);
    return messages;
  }
}

/** @returns null when it is not whole yet */
function lengthAt(bytes: Uint8Array, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = 0; i < MOST_LENGTH_BYTES; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    if (value > MOST_MESSAGE_BYTES) break;
    return { value, end: at + i + 1 };
  }
  throw new RangeError('a message is too long');
}
