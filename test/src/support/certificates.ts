import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, made by openssl, and those whom it has signed. */
export class Authority {
  readonly ca: string;
  readonly #directory: string;
  readonly #key: string;

  /** @param name of its files */
  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.ca = join(directory, `${name}.pem`);
    this.#key = join(directory, `${name}.key`);
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '1', '-subj', `/CN=${name}`, '-keyout', this.#key, '-out', this.ca],
    );
  }

  /** True where openssl is there. */
  static get isPossible(): boolean {
    return spawnSync('openssl', ['version']).status === 0;
  }

  sign(name: string): Identity {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) =>
      join(this.#directory, `${name}.${end}`),
    ) as [string, string, string, string];
    openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', `/CN=${name}`, '-keyout', key, '-out', request],
    );
    writeFileSync(extensions, `subjectAltName=DNS:${name},IP:127.0.0.1\n`);
    openssl(
      ...['x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.#key],
      ...['-CAcreateserial', '-days', '1', '-extfile', extensions, '-out', cert],
    );
    return { cert, key };
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
