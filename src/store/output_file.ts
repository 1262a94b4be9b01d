import { closeSync, openSync, writeSync } from 'node:fs';

import { outputFailed } from './output_error.js';

const BUFFER_BYTES = 256 * 1024;
const RETRY_MS = 5;

export interface OutputFileOptions {
  /** Continue an existing file instead of emptying it; default false. */
  readonly append?: boolean;
}

/**
 * A file written front to back through one bounded buffer; "-" is standard output.
 *
 * Writing is synchronous: whoever writes faster than the disk is held back by the call itself, so
 * nothing can pile up in memory. Every failure is a ThymusError OUTPUT_FAILED; after one, the file
 * takes nothing more and `close` stays silent, since the failure has been told.
 */
export class OutputFile {
  readonly #path: string;
  #fd: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  #open = true;

  /** @throws ThymusError OUTPUT_FAILED when the file cannot be opened */
  constructor(path: string, options: OutputFileOptions = {}) {
    this.#path = path === '-' ? 'standard output' : path;
    this.#fd = path === '-' ? 1 : this.#openPath(options.append ? 'a' : 'w');
  }

  /** Goes on in a file newly opened under the same path: the old one was moved away. */
  reopen(): void {
    if (!this.#open || this.#fd <= 2) return;
    this.flush();
    this.#closeFd();
    this.#fd = this.#openPath('a');
  }

  /** Adds text as UTF-8. */
  writeText(text: string): void {
    if (!this.#open) return;
    const most = text.length * 3;
    if (most > BUFFER_BYTES) {
      this.writeBytes(Buffer.from(text));
      return;
    }
    if (most > BUFFER_BYTES - this.#used) this.flush();
    this.#used += this.#buffer.write(text, this.#used);
  }

  writeBytes(bytes: Uint8Array): void {
    if (!this.#open) return;
    if (bytes.length > BUFFER_BYTES - this.#used) this.flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#writeAll(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Hands the buffer to the operating system. */
  flush(): void {
    const used = this.#used;
    this.#used = 0;
    this.#writeAll(this.#buffer.subarray(0, used));
  }

  /** Twice is harmless. */
  close(): void {
    if (!this.#open) return;
    this.flush();
    this.#open = false;
    if (this.#fd > 2) this.#closeFd();
  }

  /** `close`, with a failure as a rejection. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.close();
      resolve();
    });
  }

  #writeAll(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') sleep(RETRY_MS);
        else this.#fail(error);
      }
    }
  }

  #openPath(flags: 'a' | 'w'): number {
    try {
      return openSync(this.#path, flags, 0o644);
    } catch (error) {
      this.#open = false;
      throw outputFailed(this.#path, error);
    }
  }

  #closeFd(): void {
    try {
      closeSync(this.#fd);
    } catch (error) {
      throw outputFailed(this.#path, error);
    }
  }

  #fail(error: unknown): never {
    this.#open = false;
    try {
      if (this.#fd > 2) closeSync(this.#fd);
    } catch {
      // The failure that is being told matters more.
    }
    throw outputFailed(this.#path, error);
  }
}

/** A pipe whose reader is slow says EAGAIN; there is nothing to do but wait for it. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
