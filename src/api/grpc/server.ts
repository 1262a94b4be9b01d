import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';

import { ThymusError } from '../../errors.js';
import { preparePrivateSocket } from '../private_socket.js';
import { Health, HEALTH_FILE, HEALTH_SERVICE } from './health.js';
import { REFLECTION_SERVICE, reflectionHandlers } from './reflection.js';
import type { DescriptorFile } from './descriptors.js';
import type { Definition } from './service_definition.js';
import { readTls, type TlsFiles } from './tls.js';

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

/** One service of ours, with its first file of messages. */
export interface GrpcService {
  readonly file: DescriptorFile;
  readonly definition: Definition;
  readonly handlers: UntypedServiceImplementation;
  readonly mostRequestBytes: number;
}

/** Serves one service with health and reflection. */
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
  static async listen(place: GrpcPlace, service: GrpcService): Promise<GrpcServer> {
    const credentials = 'path' in place ? ServerCredentials.createInsecure() : mutualTls(place.tls);
    if ('path' in place) await preparePrivateSocket(place.path);
    const server = new Server({
      'grpc.max_receive_message_length': service.mostRequestBytes,
      'grpc.max_concurrent_streams': MOST_CALLS,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
      'grpc.max_connection_idle_ms': IDLE_MS,
    });
    const files = [service.file, HEALTH_FILE];
    const health = new Health(service.file.services.map(({ name }) => name));
    server.addService(service.definition, service.handlers);
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

function mutualTls(files: TlsFiles): ServerCredentials {
  const { ca, cert, key } = readTls(files, 'USAGE');
  return ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
}

const addressOf = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
