import type { Outcome } from './actuator.js';

/** One service of a host as another one calls it. */
export interface SparedEdge {
  readonly from: string;
  readonly to: string;
  /** Null: all that they have. */
  readonly port: number | null;
}

/**
 * All TCP of a host, or what it has with another one, or with one service of that one; but for
 * edges that are spared.
 */
export interface ResetTarget {
  readonly host: string;
  /** Null: whoever. */
  readonly peer: string | null;
  /** Of the peer's service; null: any. */
  readonly peerPort: number | null;
  /** At most 256. */
  readonly spared: readonly SparedEdge[];
}

export interface ResetInjectorOptions {
  /** Interface that is heard. */
  readonly tap: string;
  /** Interface that resets leave by; may be the same. */
  readonly out: string;
  /** Hardware address that all resets go to, 6 bytes; null: that of their receiver. */
  readonly nextHop: Uint8Array | null;
  /** Frames, 2 to 1,000,000. */
  readonly resetsPerSecond: number;
}

/** Counts since it was opened. */
export interface ResetInjectorState {
  /** False while an interface is away. */
  readonly isListening: boolean;
  /** Segments of targets that were seen. */
  readonly segments: number;
  readonly answered: number;
  /** Segments that the rate left no room for. */
  readonly heldBack: number;
  /** Fragments, and what a broken header says of targets. */
  readonly unanswerable: number;
  /** Resets: two for each segment that is answered. */
  readonly sent: number;
  readonly sendFailures: number;
  /** Frames that the kernel had no room for. */
  readonly kernelDrops: number;
  /** In the order in which targets were given. */
  readonly targets: readonly {
    readonly answered: number;
    /** Within the last 5 s a connection was seen that should have been gone for a second. */
    readonly isOutlived: boolean;
  }[];
}

/** What hears a tap and answers the segments of targets with TCP resets to both ends. */
export interface ResetInjector {
  /**
   * All that is answered from now on: once it returns, no reset for anything else is sent, also
   * when it fails.
   */
  setTargets(targets: readonly ResetTarget[]): Outcome;
  state(): ResetInjectorState;
  /** Nothing is left behind. Twice is harmless. */
  close(): void;
}

/** More are not taken by an injector. */
export const MOST_TARGETS = 512;
/** Of one target. */
export const MOST_SPARED = 256;

/** Opens one, which answers nothing yet; a failure where that cannot be. */
export type OpenInjector = (
  options: ResetInjectorOptions,
) => ResetInjector | Extract<Outcome, { ok: false }>;
