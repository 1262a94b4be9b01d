import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

import { ThymusError, type ErrorCode } from '../../errors.js';

/** Paths of PEM files, by which both sides of a connection show who they are. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Of those who sign the certificates of the other side. */
  readonly ca: string;
  /** What stands before `cert`, `key` and `ca` where they are given, such as `--grpc-`. */
  readonly prefix: string;
}

export type TlsBytes = Readonly<Record<'cert' | 'key' | 'ca', Buffer>>;

/** @throws ThymusError of this code when they cannot be read or are none */
export function readTls(files: TlsFiles, code: ErrorCode): TlsBytes {
  const read = (name: 'cert' | 'key' | 'ca'): Buffer => {
    try {
      return readFileSync(files[name]);
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code;
      const message = `'${files.prefix}${name}' ${files[name]} cannot be read (${why}): check it.`;
      throw new ThymusError(code, message, { cause });
    }
  };
  const bytes = { cert: read('cert'), key: read('key'), ca: read('ca') };
  try {
    createSecureContext(bytes);
  } catch (cause) {
    const { cert, key, ca } = files;
    const message = `${cert}, ${key} and ${ca} make no certificate, key and authority (${(cause as Error).message}): check them.`;
    throw new ThymusError(code, message, { cause });
  }
  return bytes;
}
