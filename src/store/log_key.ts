import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { closeSync, readFileSync } from 'node:fs';
import { ThymusError } from '../errors.js';
import { replaceFile } from './durable.js';
import type { ResponseFiles } from './response_files.js';

/**
 * The Ed25519 key that signs the decision log, made where there is none yet; the public half lies
 * beside it.
 * @throws ThymusError LOG_DAMAGED when the file holds something else, OUTPUT_FAILED
 */
export function signingKey(files: ResponseFiles): KeyObject {
  const kept = contentOf(files.key);
  if (kept !== null) return parsed(files.key, () => createPrivateKey(kept));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  closeSync(replaceFile(files.publicKey, Buffer.from(pem)));
  const secret = privateKey.export({ type: 'pkcs8', format: 'pem' });
  closeSync(replaceFile(files.key, Buffer.from(secret)));
  return privateKey;
}

/**
 * The key that checks a decision log.
 * @throws ThymusError LOG_DAMAGED when there is none, or the file holds something else
 */
export function checkingKey(path: string): KeyObject {
  const kept = contentOf(path);
  if (kept === null) {
    throw new ThymusError('LOG_DAMAGED', `The key ${path} is missing: name the right --state.`);
  }
  return parsed(path, () => createPublicKey(kept));
}

function parsed(path: string, read: () => KeyObject): KeyObject {
  try {
    const key = read();
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Told below.
  }
  throw new ThymusError('LOG_DAMAGED', `${path} holds no Ed25519 key: bring back a copy of it.`);
}

function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new ThymusError('LOG_DAMAGED', `${path} cannot be read (${code}): check its rights.`, {
      cause,
    });
  }
}
