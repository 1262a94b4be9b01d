import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';

import { ThymusError } from '../../errors.js';
import { preparePrivateSocket } from '../private_socket.js';
import { Health, HEALTH_FILE, HEALTH_SERVICE } from './health.js';
import { REFLECTION_SERVICE, reflectionHandlers } from './reflection.js';
import type { ThymusService } from './thymus_service.js';
import { THYMUS_FILE, THYMUS_SERVICE } from './thymus_service.js';

const MOST_REQUEST_BYTES = 64 * 1024;
const MOST_CALLS = 64;
/** A peer that is gone without a word is noticed after both. */
const KEEPALIVE_MS = 20_000;
const KEEPALIVE_ANSWER_MS = 10_000;
const IDLE_MS = 30 * 60_000;
const SHUTDOWN_MS = 1000;

/** A Unix socket, or an address of this machine with what both sides show each other. */
export type GrpcPlace =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly tls: TlsFiles };

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Of those who sign the certificates of clients. */
  readonly ca: string;
}

/** Serves thymus.v1.Thymus with health and reflection. */
export class GrpcServer {
  /** Of the network port, which the system chose where 0 was given; 0 for a Unix socket. */
  readonly port: number;
  readonly #server: Server;
  readonly #health: Health;

  private constructor(server: Server, health: Health, port: number) {
    this.#server = server;
    this.#health = health;
    this.port = port;
  }

  /** @throws ThymusError USAGE when the place cannot be had or its certificates are none */
  static async listen(place: GrpcPlace, service: ThymusService): Promise<GrpcServer> {
    const credentials = 'path' in place ? ServerCredentials.createInsecure() : mutualTls(place.tls);
    if ('path' in place) await preparePrivateSocket(place.path);
    const server = new Server({
      'grpc.max_receive_message_length': MOST_REQUEST_BYTES,
      'grpc.max_concurrent_streams': MOST_CALLS,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
      'grpc.max_connection_idle_ms': IDLE_MS,
    });
    const files = [THYMUS_FILE, HEALTH_FILE];
    const health = new Health(THYMUS_FILE.services.map(({ name }) => name));
    server.addService(THYMUS_SERVICE, service.handlers);
    server.addService(HEALTH_SERVICE, health.handlers);
    server.addService(REFLECTION_SERVICE, reflectionHandlers(files));
    const name = 'path' in place ? `unix:${place.path}` : addressOf(place);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(name, credentials, (cause, bound) => {
        const message = `Nothing can listen on ${name}: give another place.`;
        if (cause === null) resolve(bound);
        else reject(new ThymusError('USAGE', message, { cause }));
      });
    });
    return new GrpcServer(server, health, 'path' in place ? 0 : port);
  }

  /** Lets calls that go on end, for a moment. */
  async close(): Promise<void> {
    this.#health.stop();
    const deadline = setTimeout(() => this.#server.forceShutdown(), SHUTDOWN_MS);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(deadline);
  }
}

const addressOf = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function mutualTls({ cert, key, ca }: TlsFiles): ServerCredentials {
  const certBytes = pem('--grpc-cert', cert);
  const keyBytes = pem('--grpc-key', key);
  const caBytes = pem('--grpc-ca', ca);
  try {
    createSecureContext({ cert: certBytes, key: keyBytes, ca: caBytes });
  } catch (cause) {
    const message = `${cert}, ${key} and ${ca} make no certificate, key and authority (${(cause as Error).message}): check them.`;
    throw new ThymusError('USAGE', message, { cause });
  }
  const pair = { private_key: keyBytes, cert_chain: certBytes };
  return ServerCredentials.createSsl(caBytes, [pair], true);
}

function pem(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ThymusError('USAGE', `'${flag}' ${path} cannot be read (${code}): check it.`, {
      cause,
    });
  }
}
