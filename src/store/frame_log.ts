import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { outputFailed } from './output_error.js';
import {
  dropOldest,
  FRAME_HEAD_BYTES,
  listSegments,
  segmentName,
  sessionName,
  type Position,
} from './frame_segments.js';

export interface FrameLogOptions {
  readonly directory: string;
  /** All sessions together; the oldest segments are deleted above it. */
  readonly mostBytes: number;
  readonly segmentBytes: number;
  /** Wall time, milliseconds. */
  readonly nowMs: number;
}

/**
 * Keeps the frames of a stream over restarts, in a bounded number of bytes. Each process writes a
 * session of its own, in segments; a session is never added to, so a torn end harms nothing.
 */
export class FrameLog {
  readonly session: string;
  readonly #options: FrameLogOptions;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #fd: number | null = null;
  #used = 0;
  #seq = 0;

  /** @throws ThymusError OUTPUT_FAILED */
  constructor(options: FrameLogOptions) {
    this.#options = options;
    const { directory, nowMs } = options;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.session = sessionName(nowMs, listSegments(directory).at(-1)?.session);
      this.#begin();
    } catch (error) {
      throw outputFailed(directory, error);
    }
  }

  /**
   * Adds the next frame; their numbers begin with 1.
   * @throws ThymusError OUTPUT_FAILED, after which it takes nothing more
   */
  append(frame: Uint8Array): Position {
    const { session } = this;
    try {
      if (this.#used >= this.#options.segmentBytes) this.#begin();
      const head = this.#head;
      head.writeUInt32LE(frame.length, 0);
      head.writeUInt32LE(crc32(frame), 4);
      this.#write(head);
      this.#write(frame);
    } catch (error) {
      this.close();
      throw outputFailed(this.#options.directory, error);
    }
    return { session, seq: ++this.#seq };
  }

  /** Twice is harmless. */
  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #begin(): void {
    this.close();
    const { directory, mostBytes, segmentBytes } = this.#options;
    dropOldest(directory, mostBytes - segmentBytes);
    const path = join(directory, segmentName(this.session, this.#seq + 1));
    this.#fd = openSync(path, 'wx', 0o600);
    this.#used = 0;
  }

  #write(bytes: Uint8Array): void {
    if (this.#fd === null) throw new Error('closed');
    for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    this.#used += bytes.length;
  }
}
