import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { Measure } from '../../../src/domain/action.js';
import type { Order, Outcome } from '../../../src/response/actuators/actuator.js';

export const order = (id: string, measure: Measure, ttlMs = 60_000): Order => ({
  id,
  measure,
  ttlMs,
});

export function allDone(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) assert.deepEqual(outcome, { ok: true });
}

export function failure(outcome: Outcome | undefined): { reason: string; retry: boolean } {
  assert.ok(outcome?.ok === false, 'it failed');
  assert.match(outcome.reason, /^[^\n]+\.$/, 'one sentence');
  return outcome;
}

export interface Heard {
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** An HTTP server that keeps what it hears and answers as told. */
export class Listener {
  readonly heard: Heard[] = [];
  answer: (heard: Heard) => { readonly status: number; readonly body?: string } = () => ({
    status: 200,
  });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const heard = { path: request.url ?? '', headers: request.headers, body };
        this.heard.push(heard);
        const { status, body: answer = '' } = this.answer(heard);
        // 0 stands for no answer at all.
        if (status !== 0) response.writeHead(status).end(answer);
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A folder that is gone after each test of the suite around it. */
export function eachFolder(): () => string {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-actuator-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
