import { closeSync, fdatasync, ftruncateSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { outputFailed } from './output_error.js';

const writeAt = promisify(write) as (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesWritten: number }>;
const sync = promisify(fdatasync);

/** What a file is to get next; `taken` is called when it is on disk. */
export interface Portion {
  readonly bytes: Uint8Array;
  taken(): void;
}

export interface AppendedFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes that are good; what is behind them is written over. */
  readonly size: number;
}

/**
 * Appends to a file so that everybody who waits at the same time shares one write and one sync.
 * What fails is cut off again and stays with its source, which gives it once more at the next commit.
 */
export class GroupCommit {
  #file: AppendedFile;
  readonly #next: () => Portion | null;
  #waiting: PromiseWithResolvers | null = null;
  #isRunning = false;

  /** @param next all that has piled up since the portion that was last taken, or null */
  constructor(file: AppendedFile, next: () => Portion | null) {
    this.#file = file;
    this.#next = next;
  }

  get size(): number {
    return this.#file.size;
  }

  /**
   * Settles when all that the source holds at this moment is on disk.
   * @throws ThymusError OUTPUT_FAILED
   */
  commit(): Promise<void> {
    this.#waiting ??= withResolvers();
    const { promise } = this.#waiting;
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  /** Cuts off what a write that failed has left behind. @throws what the system says */
  trim(): void {
    ftruncateSync(this.#file.fd, this.#file.size);
  }

  /** Goes on in another file. Only to be called by the source, while a portion is asked for. */
  replace(file: AppendedFile): void {
    closeSync(this.#file.fd);
    this.#file = file;
  }

  /** What is not committed by now is left out. */
  close(): void {
    closeSync(this.#file.fd);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Whoever asks within the same turn of the event loop gets into the first write.
    await Promise.resolve();
    while (this.#waiting !== null) {
      const { resolve, reject } = this.#waiting;
      this.#waiting = null;
      try {
        await this.#append();
        resolve();
      } catch (error) {
        reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #append(): Promise<void> {
    const portion = this.#next();
    if (portion === null) return;
    const { path, fd, size } = this.#file;
    const { bytes } = portion;
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await writeAt(fd, bytes, done, bytes.length - done, size + done);
        done += bytesWritten;
      }
      await sync(fd);
    } catch (error) {
      cutOff(fd, size);
      throw outputFailed(path, error);
    }
    this.#file = { path, fd, size: size + bytes.length };
    portion.taken();
  }
}

function cutOff(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // The next write covers the same place.
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
