import { setTimeout as sleep } from 'node:timers/promises';

import { StreamHub, type StreamHubOptions } from '../../../src/api/stream_hub.js';
import { thymus } from '../../../src/api/gen/verdict.js';
import { StreamMessages } from '../../../src/api/stream_messages.js';
import type { StreamEnd, StreamStart, Subscription } from '../../../src/api/subscription.js';
import { FrameLog } from '../../../src/store/frame_log.js';
import { scanIncident } from './incidents.js';

const { Envelope } = thymus.v1;
const SESSION = '019ab3c2d4e5';

interface HubLimits {
  readonly frames?: number;
  readonly onLogFailure?: StreamHubOptions['onLogFailure'];
}

/** A hub whose log a test can break. */
export type TestHub = StreamHub & { readonly log: FrameLog | null };

/** @param directory of the log; null: in memory alone */
export function hubOf(
  directory: string | null,
  { frames = 1024, onLogFailure = () => {} }: HubLimits = {},
): TestHub {
  const limits = { mostBytes: 1 << 24, segmentBytes: 4096, nowMs: 1_800_000_000_000 };
  const log = directory === null ? null : new FrameLog({ directory, ...limits });
  const hub = new StreamHub({
    messages: new StreamMessages({ engineVersion: '0.1.0', sources: ['tap0'], runId: 'RUN' }),
    ring: { frames, bytes: 1 << 22 },
    kept: log === null ? null : { log, directory: directory! },
    session: SESSION,
    onLogFailure,
  });
  return Object.assign(hub, { log });
}

/** Publishes incidents whose summaries are these numbers. */
export function publish(hub: StreamHub, from: number, to: number): void {
  for (let i = from; i <= to; i++) {
    const incident = scanIncident({ id: String(i), summary: String(i), evidence: [] });
    hub.publish((cursor) => hub.messages.incident(incident, 'opened', cursor));
  }
}

export const summaryOfEnvelope = ({ verdict }: thymus.v1.Envelope): string[] =>
  [verdict?.summary ?? []].flat();

/** A subscriber that keeps what it gets. */
export class Reader {
  readonly envelopes: thymus.v1.Envelope[] = [];
  ended: { readonly why: StreamEnd; readonly cursor: string } | null = null;
  #subscription: Subscription | null = null;

  /** @param options.takes how many messages it takes before it wants no more */
  static on(
    hub: StreamHub,
    start: StreamStart,
    { takes = Infinity }: { readonly takes?: number } = {},
  ): Reader {
    const reader = new Reader();
    reader.#subscription = hub.subscribe(start, {
      take: (frame) => reader.envelopes.push(Envelope.decode(frame)) <= takes,
      end: (why, cursor) => (reader.ended = { why, cursor }),
    });
    if (reader.#subscription === null) throw new Error('there are as many as there may be');
    return reader;
  }

  get summaries(): string[] {
    return this.envelopes.flatMap(summaryOfEnvelope);
  }

  /** Settles when it was given so many verdicts. */
  async has(verdicts: number): Promise<void> {
    while (this.summaries.length < verdicts) await sleep(1);
  }

  /** Of the verdicts. */
  get cursors(): string[] {
    return this.envelopes.flatMap(({ verdict, cursor }) => (verdict ? [cursor] : []));
  }

  get nRuns(): number {
    return this.envelopes.filter(({ run }) => run).length;
  }

  get nGaps(): number {
    return this.envelopes.filter(({ gap }) => gap).length;
  }

  close(): void {
    this.#subscription?.end('closed');
  }
}
