import type { FrameLog } from '../store/frame_log.js';
import { framesAfter, type KeptFrame } from '../store/frame_reader.js';
import { cursorOf, type Position } from '../store/frame_segments.js';
import type { StreamMessages } from './stream_messages.js';
import { StreamRing, type RingLimits } from './stream_ring.js';
import {
  Subscription,
  type StreamFeed,
  type StreamStart,
  type StreamTaker,
} from './subscription.js';

export interface StreamHubOptions {
  readonly messages: StreamMessages;
  readonly ring: RingLimits;
  /** Null: nothing is kept beyond what the ring holds. */
  readonly kept: { readonly log: FrameLog; readonly directory: string } | null;
  /** Of the stream, where there is no log: 12 hexadecimal digits. */
  readonly session: string;
  /** Called once, when nothing more can be kept. */
  readonly onLogFailure: (error: unknown) => void;
}

export interface HubStatus {
  readonly cursor: string;
  readonly messages: number;
  readonly subscribers: number;
  readonly overruns: number;
  readonly gaps: number;
  readonly isKept: boolean;
}

/** Subscribers over all transports; each is a connection and at most a few frames of memory. */
export const MOST_SUBSCRIBERS = 64;

const FINISH_MS = 2000;

/**
 * One stream of messages for any number of subscribers. Publishing never waits: each subscriber
 * takes frames from the ring as it can, and from the log where it is behind; one that was at the
 * newest frame and then lets the ring pass it by is ended.
 */
export class StreamHub implements StreamFeed {
  readonly messages: StreamMessages;
  readonly ring: StreamRing;
  readonly #options: StreamHubOptions;
  readonly #subscriptions = new Set<Subscription>();
  #log: FrameLog | null;
  #overruns = 0;
  #gaps = 0;
  #isFinished = false;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.messages = options.messages;
    this.#log = options.kept?.log ?? null;
    this.ring = new StreamRing(this.#log?.session ?? options.session, options.ring);
  }

  get status(): HubStatus {
    const { newest } = this.ring;
    return {
      cursor: cursorOf(newest),
      messages: newest.seq,
      subscribers: this.#subscriptions.size,
      overruns: this.#overruns,
      gaps: this.#gaps,
      isKept: this.#log !== null,
    };
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** @param make gives the frame with its cursor in it */
  publish(make: (cursor: string) => Uint8Array): void {
    const { session, seq } = this.ring.newest;
    const frame = make(cursorOf({ session, seq: seq + 1 }));
    this.#keep(frame);
    this.ring.push(frame);
    for (const subscription of this.#subscriptions) subscription.onPublish();
  }

  /** @returns null when there are as many as there may be */
  subscribe(start: StreamStart, taker: StreamTaker): Subscription | null {
    if (this.#subscriptions.size >= MOST_SUBSCRIBERS) return null;
    const subscription = new Subscription(this, start, {
      take: (frame) => taker.take(frame),
      end: (why, cursor) => {
        this.#subscriptions.delete(subscription);
        if (why === 'overrun') this.#overruns++;
        taker.end(why, cursor);
      },
    });
    this.#subscriptions.add(subscription);
    subscription.start();
    return subscription;
  }

  kept(after: Position | null): AsyncIterable<KeptFrame | null> {
    const { kept } = this.#options;
    return kept === null ? nothing() : framesAfter(kept.directory, after);
  }

  countGap(): void {
    this.#gaps++;
  }

  /** Gives subscribers a moment to take the rest, then ends them all. */
  async finish(): Promise<void> {
    this.#isFinished = true;
    this.#log?.close();
    const deadline = setTimeout(() => this.#endAll(), FINISH_MS);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.finish()));
    clearTimeout(deadline);
  }

  #endAll(): void {
    for (const subscription of [...this.#subscriptions]) subscription.end('finished');
  }

  #keep(frame: Uint8Array): void {
    try {
      this.#log?.append(frame);
    } catch (error) {
      this.#log = null;
      this.#options.onLogFailure(error);
    }
  }
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}
