import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ThymusError } from '../errors.js';

/*
 * The key under which subscribers' identities are hashed: STATE/identity.key, 32 hexadecimal digits,
 * readable by its owner only. It is made once, so that one identity has one hash in all runs of an
 * installation, and another one elsewhere; whoever deletes it can no longer join old outputs to new
 * ones.
 */

export const IDENTITY_KEY_FILE = 'identity.key';
const KEY_BYTES = 16;

/**
 * The key that a file holds.
 * @throws ThymusError USAGE when it cannot be read or holds something else
 */
export function readIdentityKey(path: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ThymusError('USAGE', `The key of identities ${path} cannot be read (${code}).`);
  }
  if (!/^[0-9a-f]{32}$/i.test(text)) {
    throw new ThymusError(
      'USAGE',
      `The key of identities ${path} must be 32 hexadecimal digits, such as those of 'openssl rand -hex 16'.`,
    );
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/**
 * The key of this installation, made where there is none yet.
 * @returns null where the state directory takes no file
 * @throws ThymusError USAGE when the file there holds something else
 */
export function installationKey(stateDirectory: string): Uint8Array | null {
  const path = join(stateDirectory, IDENTITY_KEY_FILE);
  try {
    mkdirSync(stateDirectory, { recursive: true });
    const text = `${randomBytes(KEY_BYTES).toString('hex')}\n`;
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return null;
  }
  return readIdentityKey(path);
}

/** A key that nobody keeps. */
export function passingKey(): Uint8Array {
  return Uint8Array.from(randomBytes(KEY_BYTES));
}
