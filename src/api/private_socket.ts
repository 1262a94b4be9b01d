import { rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

import { ThymusError } from '../errors.js';

const OTHERS = 0o077;
/** What the address of a socket holds, less its ending zero. */
const MOST_PATH_BYTES = 107;

/**
 * Makes sure that a Unix socket can be made at this path and that only its owner will reach it;
 * takes away what a killed process has left there.
 * @throws ThymusError USAGE when it is in use, its directory is open to others, or its name too long
 */
export async function preparePrivateSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) {
    const message = `The path of a socket has at most ${MOST_PATH_BYTES} bytes: give a shorter one than ${path}.`;
    throw new ThymusError('USAGE', message);
  }
  const directory = dirname(path);
  const mode = statSync(directory, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) {
    throw new ThymusError('USAGE', `There is no directory ${directory} for a socket: make it.`);
  }
  if ((mode & OTHERS) !== 0) {
    const message = `Others than its owner can enter ${directory}: run 'chmod 700' on it, or name another place.`;
    throw new ThymusError('USAGE', message);
  }
  if (await answers(path)) {
    throw new ThymusError('USAGE', `Another process answers at ${path}: give another place.`);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
