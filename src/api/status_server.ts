import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import type { LiveStatus } from '../engine/pipeline.js';
import { ThymusError } from '../errors.js';

const MOST_CONNECTIONS = 16;
const REQUEST_MS = 5000;

/** Where it answers: a Unix socket, or an address of this machine. */
export type StatusPlace =
  { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Tells over HTTP how a live run stands: `GET /status` as JSON, `GET /metrics` for Prometheus. It
 * has no other request and changes nothing. Who may reach its place may read it.
 */
export class StatusServer {
  readonly #server: Server;
  readonly #place: StatusPlace;

  private constructor(place: StatusPlace, server: Server) {
    this.#place = place;
    this.#server = server;
  }

  /** @throws ThymusError USAGE when the place cannot be had */
  static async listen(place: StatusPlace, status: () => LiveStatus | null): Promise<StatusServer> {
    const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
      answer(request, status()).then(
        (said) => send(response, said),
        (error: unknown) => send(response, refusal(500, `${String(error)}\n`)),
      );
    });
    server.maxConnections = MOST_CONNECTIONS;
    const options: ListenOptions = 'path' in place ? { path: place.path } : place;
    if ('path' in place) rmSync(place.path, { force: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(options, resolve);
      });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const name = 'path' in place ? place.path : `${place.host}:${place.port}`;
      const message = `Nothing can listen on ${name} (${code}): give another place.`;
      throw new ThymusError('USAGE', message, { cause });
    }
    server.unref();
    return new StatusServer(place, server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    if ('path' in this.#place) rmSync(this.#place.path, { force: true });
  }
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly text: string;
}

const refusal = (code: number, text: string): Answer => ({ code, type: 'text/plain', text });

async function answer(request: IncomingMessage, status: LiveStatus | null): Promise<Answer> {
  const { url, method } = request;
  if (url !== '/metrics' && url !== '/status') {
    return refusal(404, 'There are /status and /metrics.\n');
  }
  if (method !== 'GET') return refusal(405, 'Only GET is answered.\n');
  if (status === null) return refusal(503, 'The run has not begun, or has ended.\n');
  if (url === '/status') {
    return { code: 200, type: 'application/json', text: `${JSON.stringify(status)}\n` };
  }
  const { prometheusText, PROMETHEUS_CONTENT_TYPE } = await import('./prometheus.js');
  return { code: 200, type: PROMETHEUS_CONTENT_TYPE, text: await prometheusText(status) };
}

function send(response: ServerResponse, { code, type, text }: Answer): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}
