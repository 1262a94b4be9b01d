import type { KeptFrame } from '../store/frame_reader.js';
import { cursorOf, type Position } from '../store/frame_segments.js';
import type { StreamMessages } from './stream_messages.js';
import type { StreamRing } from './stream_ring.js';

/** Where a subscriber begins: with what comes next, with the oldest that is kept, or after a place. */
export type StreamStart = 'now' | 'oldest' | Position;

/** What subscribers are fed from. */
export interface StreamFeed {
  readonly messages: StreamMessages;
  readonly ring: StreamRing;
  /** True when nothing more will be published. */
  readonly isFinished: boolean;
  /** What is kept after a position, null where something is missing. */
  kept(after: Position | null): AsyncIterable<KeptFrame | null>;
  countGap(): void;
}

/** `overrun`: it took too little. `finished`: the stream has ended. `closed`: it wants no more. */
export type StreamEnd = 'overrun' | 'finished' | 'closed';

/** Who takes the frames of a subscription. */
export interface StreamTaker {
  /** @returns false when it wants no more until `resume` */
  take(frame: Uint8Array): boolean;
  /**
   * Called once.
   * @param cursor of the last frame that it was given; empty when that was none
   */
  end(why: StreamEnd, cursor: string): void;
}

/** One subscriber's way through the stream. */
export class Subscription {
  readonly #feed: StreamFeed;
  readonly #taker: StreamTaker;
  #position: Position | null;
  #isReady = true;
  #isEnded = false;
  /** It has been at the newest frame: from now on it must not fall behind the ring. */
  #isLive = false;
  #wake: (() => void) | null = null;
  #done: Promise<void> = Promise.resolve();

  constructor(feed: StreamFeed, start: StreamStart, taker: StreamTaker) {
    this.#feed = feed;
    this.#taker = taker;
    if (start === 'now') this.#position = feed.ring.newest;
    else this.#position = start === 'oldest' ? null : start;
  }

  start(): void {
    this.#isReady = this.#taker.take(this.#feed.messages.run(this.#cursor));
    this.#done = this.#run();
  }

  /** The taker has room again. */
  resume(): void {
    this.#isReady = true;
    this.#stir();
  }

  onPublish(): void {
    const isPassed = this.#position !== null && !this.#feed.ring.holdsAfter(this.#position);
    if (this.#isLive && isPassed) this.end('overrun');
    else this.#stir();
  }

  end(why: StreamEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#taker.end(why, this.#cursor);
    this.#stir();
  }

  /** Settles when all was taken, or it was ended. REQUIRES: the feed is finished. */
  finish(): Promise<void> {
    this.#stir();
    return this.#done;
  }

  get #cursor(): string {
    return this.#position === null ? '' : cursorOf(this.#position);
  }

  async #run(): Promise<void> {
    const { ring } = this.#feed;
    while (!this.#isEnded) {
      const position = this.#position;
      if (position === null || !ring.holdsAfter(position)) {
        await this.#catchUp();
        continue;
      }
      this.#isLive = true;
      const frame = ring.after(position);
      if (frame !== undefined && this.#isReady) this.#give(frame, next(position));
      else if (frame === undefined && this.#feed.isFinished) this.end('finished');
      else await this.#stirred();
    }
  }

  /** Gives what the log has, until the ring holds the rest. */
  async #catchUp(): Promise<void> {
    const { ring } = this.#feed;
    const asked = this.#position;
    let isTold = false;
    for await (const kept of this.#feed.kept(asked)) {
      while (!this.#isReady && !this.#isEnded) await this.#stirred();
      if (this.#isEnded) return;
      if (kept === null) {
        this.#giveGap();
        isTold = true;
      } else this.#give(kept.bytes, kept.position);
      if (this.#position !== null && ring.holdsAfter(this.#position)) return;
    }
    if (this.#position !== asked || this.#isEnded) return;
    // The ring alone is left.
    if (!isTold && (asked !== null || ring.start.seq > 0)) this.#giveGap();
    this.#position = ring.start;
  }

  #give(frame: Uint8Array, position: Position): void {
    this.#position = position;
    this.#isReady = this.#taker.take(frame);
  }

  #giveGap(): void {
    this.#feed.countGap();
    this.#isReady = this.#taker.take(this.#feed.messages.gap(this.#cursor));
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = null;
  }

  #stirred(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

const next = ({ session, seq }: Position): Position => ({ session, seq: seq + 1 });
