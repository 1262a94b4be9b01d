import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ThymusError } from '../errors.js';
import { outputFailed } from './output_error.js';

const OWNER_ONLY = 0o700;
const OTHERS = 0o077;

/**
 * Puts a file in place in one step: after a power cut there is the old one or the new one, whole.
 * @returns the new file, open for writing
 * @throws ThymusError OUTPUT_FAILED
 */
export function replaceFile(path: string, bytes: Uint8Array): number {
  const passing = `${path}.new`;
  let fd: number | null = null;
  try {
    fd = openSync(passing, 'w+', 0o600);
    fchmodSync(fd, 0o600);
    writeAll(fd, bytes);
    fsyncSync(fd);
    renameSync(passing, path);
    syncDirectory(dirname(path));
    return fd;
  } catch (error) {
    if (fd !== null) closeSync(fd);
    throw outputFailed(path, error);
  }
}

/**
 * Makes a directory that only its owner can enter.
 * @throws ThymusError OUTPUT_FAILED when it cannot be made, USAGE when others can enter it
 */
export function makePrivateDirectory(path: string): void {
  let mode: number;
  try {
    mkdirSync(path, { recursive: true, mode: OWNER_ONLY });
    mode = statSync(path).mode;
  } catch (error) {
    throw outputFailed(path, error);
  }
  if ((mode & OTHERS) !== 0) {
    throw new ThymusError(
      'USAGE',
      `Others than its owner can enter ${path}: run 'chmod 700' on it.`,
    );
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}

/** What was made, renamed or removed in a directory stays so after a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
