import type { Position } from '../store/frame_segments.js';

export interface RingLimits {
  readonly frames: number;
  readonly bytes: number;
}

/** The newest frames of this session, in memory. */
export class StreamRing {
  readonly session: string;
  readonly #limits: RingLimits;
  readonly #frames: Uint8Array[] = [];
  /** Number of the oldest frame that is held. */
  #first = 1;
  #bytes = 0;

  constructor(session: string, limits: RingLimits) {
    this.session = session;
    this.#limits = limits;
  }

  get newest(): Position {
    return { session: this.session, seq: this.#first + this.#frames.length - 1 };
  }

  /** Before the oldest frame that is held. */
  get start(): Position {
    return { session: this.session, seq: this.#first - 1 };
  }

  push(frame: Uint8Array): void {
    const frames = this.#frames;
    frames.push(frame);
    this.#bytes += frame.length;
    const { frames: most, bytes: mostBytes } = this.#limits;
    while (frames.length > most || (this.#bytes > mostBytes && frames.length > 1)) {
      this.#bytes -= frames.shift()!.length;
      this.#first++;
    }
  }

  /** True when nothing between this position and the newest frame is missing here. */
  holdsAfter({ session, seq }: Position): boolean {
    return session === this.session && seq >= this.#first - 1 && seq <= this.newest.seq;
  }

  /** @returns undefined when it is the newest. REQUIRES: holdsAfter */
  after({ seq }: Position): Uint8Array | undefined {
    return this.#frames[seq + 1 - this.#first];
  }
}
