import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { ThymusError } from '../errors.js';
import { replaceFile } from './durable.js';
import { GroupCommit, type Portion } from './group_commit.js';
import { outputFailed } from './output_error.js';

/*
 * STATE/response/actions.journal: a map from texts to JSON values that survives a crash at any
 * instruction. The file is a sequence of frames, one a line:
 *
 *   CRC NUMBER PAIRS\n
 *
 * CRC is the CRC-32 of all behind it, 8 hexadecimal digits; NUMBER counts frames and never begins
 * anew; PAIRS is JSON, [[key, value], ...], where null takes the key away. A frame is what was
 * committed together, and each is on disk before the next is written, so that a crash can tear the
 * last one only: a tail that cannot be read was never answered for and is cut off. The first frame
 * holds the whole map; it comes into place by renaming, so it is never torn. A bad frame with a good
 * one behind it, a bad first one, or a missing number is damage, and is refused.
 */

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Above this, and above four times what it holds, a journal is written anew. */
const COMPACT_BYTES = 4 * 1024 * 1024;
const GROWTH = 4;
const CRC_DIGITS = 8;
const FRAME_HEAD = /[0-9a-f]{8} \d{1,15} \[/g;

/** What was found in a journal that was opened. */
interface Found {
  readonly map: Map<string, Json>;
  readonly number: number;
  /** Bytes of all good frames. */
  readonly size: number;
  readonly tornBytes: number;
}

/** One process at a time writes it; whoever opens it holds the lock. */
export class ActionJournal {
  readonly #path: string;
  readonly #map: Map<string, Json>;
  readonly #pending = new Map<string, Json>();
  readonly #file: GroupCommit;
  #number: number;
  #compactedBytes: number;
  /** Bytes of a torn tail that was cut off when it was opened. */
  readonly tornBytes: number;

  private constructor(path: string, fd: number, found: Found) {
    this.#path = path;
    this.#map = found.map;
    this.#number = found.number;
    this.#compactedBytes = 0;
    this.tornBytes = found.tornBytes;
    this.#file = new GroupCommit({ path, fd, size: found.size }, () => this.#portion());
  }

  /** @throws ThymusError JOURNAL_DAMAGED, OUTPUT_FAILED */
  static open(path: string): ActionJournal {
    const bytes = contentOf(path);
    if (bytes === null) {
      const map = new Map<string, Json>();
      const whole = frameOf(1, map);
      const fd = replaceFile(path, whole);
      return new ActionJournal(path, fd, { map, number: 1, size: whole.length, tornBytes: 0 });
    }
    const found = parse(path, bytes);
    try {
      const fd = openSync(path, 'r+');
      ftruncateSync(fd, found.size);
      return new ActionJournal(path, fd, found);
    } catch (error) {
      throw outputFailed(path, error);
    }
  }

  /**
   * What a journal holds, without a hold on it.
   * @throws ThymusError JOURNAL_DAMAGED, OUTPUT_FAILED
   */
  static read(path: string): ReadonlyMap<string, Json> {
    const bytes = contentOf(path);
    return bytes === null ? new Map<string, Json>() : parse(path, bytes).map;
  }

  /** All that it holds, with what is not committed yet. */
  get entries(): ReadonlyMap<string, Json> {
    return this.#map;
  }

  /** Takes effect with the next commit. @param value null: forget the key */
  put(key: string, value: Json): void {
    if (value === null) this.#map.delete(key);
    else this.#map.set(key, value);
    this.#pending.set(key, value);
  }

  /**
   * Settles when all that was put is on disk.
   * @throws ThymusError OUTPUT_FAILED; what was put is tried again at the next commit
   */
  commit(): Promise<void> {
    return this.#file.commit();
  }

  close(): void {
    this.#file.close();
  }

  #portion(): Portion | null {
    if (this.#pending.size === 0) return null;
    if (this.#file.size > Math.max(COMPACT_BYTES, GROWTH * this.#compactedBytes)) {
      this.#compact();
      return null;
    }
    const taken = new Map(this.#pending);
    const bytes = frameOf(this.#number + 1, taken);
    return {
      bytes,
      taken: () => {
        this.#number++;
        for (const [key, value] of taken) {
          if (this.#pending.get(key) === value) this.#pending.delete(key);
        }
      },
    };
  }

  #compact(): void {
    const whole = frameOf(this.#number + 1, this.#map);
    const fd = replaceFile(this.#path, whole);
    this.#file.replace({ path: this.#path, fd, size: whole.length });
    this.#number++;
    this.#compactedBytes = whole.length;
    this.#pending.clear();
  }
}

function contentOf(path: string): Uint8Array | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    return readFileSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw outputFailed(path, error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function frameOf(number: number, pairs: ReadonlyMap<string, Json>): Uint8Array {
  const text = `${number} ${JSON.stringify([...pairs])}`;
  return Buffer.from(`${crcOf(Buffer.from(text))} ${text}\n`);
}

const crcOf = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(CRC_DIGITS, '0');

function parse(path: string, bytes: Uint8Array): Found {
  const map = new Map<string, Json>();
  let number = 0;
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at);
    const frame = end < 0 ? null : readFrame(bytes.subarray(at, end));
    if (frame === null) break;
    if (at > 0 && frame.number !== number + 1)
      throw damaged(path, at, 'a part before it is missing');
    number = frame.number;
    for (const [key, value] of frame.pairs) {
      if (value === null) map.delete(key);
      else map.set(key, value);
    }
    at = end + 1;
  }
  if (at === 0) throw damaged(path, 0, 'its beginning cannot be read');
  if (holdsFrame(bytes, at)) throw damaged(path, at, 'it can be read again behind it');
  return { map, number, size: at, tornBytes: bytes.length - at };
}

/** True when any good frame begins behind a bad place, be it in the midst of a line. */
function holdsFrame(bytes: Uint8Array, from: number): boolean {
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset + from, bytes.length - from);
  for (const { index } of rest.toString('latin1').matchAll(FRAME_HEAD)) {
    const end = rest.indexOf(0x0a, index);
    if (end >= 0 && readFrame(rest.subarray(index, end)) !== null) return true;
  }
  return false;
}

interface Frame {
  readonly number: number;
  readonly pairs: readonly (readonly [string, Json])[];
}

function readFrame(line: Uint8Array): Frame | null {
  const text = line.subarray(CRC_DIGITS + 1);
  const head = Buffer.from(line.subarray(0, CRC_DIGITS + 1)).toString('latin1');
  if (head !== `${crcOf(text)} `) return null;
  const match = /^(\d{1,15}) (.*)$/s.exec(Buffer.from(text).toString());
  if (match === null) return null;
  return { number: Number(match[1]), pairs: JSON.parse(match[2]!) as Frame['pairs'] };
}

function damaged(path: string, at: number, why: string): ThymusError {
  return new ThymusError(
    'JOURNAL_DAMAGED',
    `${path} is damaged at byte ${at} (${why}): run 'thymus panic' to withdraw all that is in force, ` +
      'or bring back a copy.',
  );
}
