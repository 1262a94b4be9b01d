import { writeSync } from 'node:fs';
import { ThymusError } from '../errors.js';

const STDOUT = 1;
const STDERR = 2;
const RETRY_MS = 5;

/** Writes to standard output before it returns, so that the process may exit at once. */
export function print(text: string): void {
  try {
    writeAll(STDOUT, text);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new ThymusError('OUTPUT_FAILED', `Standard output cannot be written (${why}).`, {
      cause,
    });
  }
}

/** Writes to standard error; there is nobody left to tell when that fails. */
export function complain(text: string): void {
  try {
    writeAll(STDERR, text);
  } catch {
    // A closed standard error must not turn a warning into a failure.
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      // A pipe whose reader is slow: wait for it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
