import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ThymusError } from '../errors.js';
import { closedLog, closedLogs } from './decision_files.js';
import {
  FIRST_HASH,
  hashOf,
  headBody,
  isSigned,
  signed,
  takeApart,
  type Decision,
  type DecisionEntry,
  type DecisionLine,
} from './decision_line.js';
import { replaceFile, syncDirectory } from './durable.js';
import { GroupCommit, type Portion } from './group_commit.js';
import { outputFailed } from './output_error.js';
import type { ResponseFiles } from './response_files.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const OWNER_ONLY = 0o600;
/** A file of the log that is larger is closed. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * STATE/response/decisions.log: everything that was decided, as a chain in which no line can be
 * changed, added or taken away without the key. The head says how long it is; it is written behind
 * the log, in place and without waiting for the disk, so a power cut may leave an older one but
 * never one that promises more than there is. A large file is closed and the chain goes on in a new
 * one (decision_files.ts).
 */
export class DecisionLog {
  readonly #file: GroupCommit;
  readonly #headFd: number;
  readonly #key: KeyObject;
  readonly #files: ResponseFiles;
  readonly #mostBytes: number;
  #number: number;
  #hash: string;
  #lines: string[] = [];

  private constructor(file: { path: string; fd: number; size: number }, at: End, how: Means) {
    this.#file = new GroupCommit(file, () => this.#portion());
    this.#headFd = how.headFd;
    this.#key = how.key;
    this.#files = how.files;
    this.#mostBytes = how.mostBytes;
    this.#number = at.number;
    this.#hash = at.hash;
  }

  /**
   * Goes on at the end of the log; a line that a crash has torn is cut off.
   * @param mostBytes a file of the log that is larger is closed
   * @throws ThymusError LOG_DAMAGED when it is shorter than its head says, or its end is not its own
   */
  static open(files: ResponseFiles, key: KeyObject, mostBytes = MOST_BYTES): DecisionLog {
    const { log: path } = files;
    let fd: number | null = null;
    try {
      fd = openSync(path, openFlags(path), OWNER_ONLY);
      const head = readHead(files.head);
      const end = endOf(fd, files, key);
      if (head !== null && head.number > end.number) throw shorter(path, end.number, head.number);
      const headFd =
        head === null
          ? replaceFile(files.head, Buffer.from(headLine(end, key)))
          : openSync(files.head, 'r+');
      return new DecisionLog({ path, fd, size: end.size }, end, { headFd, key, files, mostBytes });
    } catch (error) {
      if (fd !== null) closeSync(fd);
      throw outputFailed(path, error);
    }
  }

  /** Number of the last entry. */
  get number(): number {
    return this.#number;
  }

  /** @param at wall time, milliseconds since 1970 @returns the entry's number */
  add(decision: Decision, at: number): number {
    const number = this.#number + 1;
    const entry: DecisionEntry = { number, at: new Date(at).toISOString(), ...decision };
    const body = JSON.stringify(entry);
    this.#hash = hashOf(this.#hash, body);
    this.#number = number;
    this.#lines.push(signed(this.#hash, body, this.#key));
    return number;
  }

  /**
   * Settles when all that was added is on disk.
   * @throws ThymusError OUTPUT_FAILED; what was added is tried again at the next commit
   */
  commit(): Promise<void> {
    return this.#file.commit();
  }

  close(): void {
    this.#file.close();
    closeSync(this.#headFd);
  }

  #portion(): Portion | null {
    const lines = this.#lines;
    if (lines.length === 0) return null;
    const end = { number: this.#number, hash: this.#hash };
    const nLines = lines.length;
    if (this.#file.size >= this.#mostBytes) this.#closeFile(this.#number - nLines);
    return {
      bytes: Buffer.from(lines.join('')),
      taken: () => {
        this.#lines = this.#lines.slice(nLines);
        writeSync(this.#headFd, headLine(end, this.#key), 0);
      },
    };
  }

  /** Goes on in a new file. Where that cannot be, the old one grows until it can. */
  #closeFile(lastNumber: number): void {
    const { log } = this.#files;
    const closed = closedLog(this.#files, lastNumber);
    const passing = `${log}.new`;
    let fd: number | null = null;
    try {
      fd = openSync(passing, 'w+', OWNER_ONLY);
      this.#file.trim();
      renameSync(log, closed);
      renameSync(passing, log);
      syncDirectory(dirname(log));
    } catch {
      if (fd !== null) closeSync(fd);
      return;
    }
    this.#file.replace({ path: log, fd, size: 0 });
  }
}

/** The last entry. */
interface End {
  readonly number: number;
  readonly hash: string;
}

interface Means {
  readonly headFd: number;
  readonly key: KeyObject;
  readonly files: ResponseFiles;
  readonly mostBytes: number;
}

/** @returns null when there is no head @throws ThymusError LOG_DAMAGED */
export function readHead(path: string): (End & { readonly line: DecisionLine }) | null {
  let text: string;
  try {
    const fd = openSync(path, 'r');
    try {
      text = readAt(fd, 0, fstatSync(fd).size).toString('latin1');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw outputFailed(path, error);
  }
  const line = text.endsWith('\n') ? takeApart(text.slice(0, -1)) : null;
  if (line === null || !/^\d{15}$/.test(line.body)) {
    throw new ThymusError('LOG_DAMAGED', `${path} cannot be read: the log's end is not assured.`);
  }
  return { number: Number(line.body), hash: line.hash, line };
}

function headLine({ number, hash }: End, key: KeyObject): string {
  return signed(hash, headBody(number), key);
}

/** Cuts a torn line off, and reads the last whole one, which may be in a file closed before. */
function endOf(fd: number, files: ResponseFiles, key: KeyObject): End & { readonly size: number } {
  const size = newlineBefore(fd, fstatSync(fd).size) + 1;
  ftruncateSync(fd, size);
  if (size > 0) return { ...lastEntry(fd, files.log, key), size };
  const path = closedLogs(files).findLast((one) => statSync(one).size > 0);
  if (path === undefined) return { number: 0, hash: FIRST_HASH, size };
  const closed = openSync(path, 'r');
  try {
    return { ...lastEntry(closed, path, key), size };
  } finally {
    closeSync(closed);
  }
}

function lastEntry(fd: number, path: string, key: KeyObject): End {
  const { size } = fstatSync(fd);
  const from = newlineBefore(fd, size - 1) + 1;
  const text = readAt(fd, from, size - from).toString();
  const line = text.endsWith('\n') ? takeApart(text.slice(0, -1)) : null;
  const number = line !== null && isSigned(line, key) ? numberOf(line) : null;
  if (line === null || number === null) {
    throw new ThymusError('LOG_DAMAGED', `The last line of ${path} is not one of its own.`);
  }
  return { number, hash: line.hash };
}

function numberOf({ body }: DecisionLine): number | null {
  try {
    const { number } = JSON.parse(body) as DecisionEntry;
    return Number.isSafeInteger(number) ? number : null;
  } catch {
    return null;
  }
}

/** Place of the last newline before `end`, or -1. */
function newlineBefore(fd: number, end: number): number {
  for (let to = end; to > 0; to -= CHUNK_BYTES) {
    const from = Math.max(to - CHUNK_BYTES, 0);
    const at = readAt(fd, from, to - from).lastIndexOf(NEWLINE);
    if (at >= 0) return from + at;
  }
  return -1;
}

function readAt(fd: number, from: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let done = 0;
  while (done < size) {
    const n = readSync(fd, bytes, done, size - done, from + done);
    if (n === 0) break;
    done += n;
  }
  return bytes.subarray(0, done);
}

function openFlags(path: string): string {
  try {
    closeSync(openSync(path, 'r'));
    return 'r+';
  } catch {
    return 'w+';
  }
}

function shorter(path: string, has: number, promised: number): ThymusError {
  const what = `its head promises ${promised} entries and ${has} are there`;
  return new ThymusError('LOG_DAMAGED', `${path} was cut: ${what}.`);
}
