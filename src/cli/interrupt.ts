import { EXIT } from './exit.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns the first interruption into a clean end: what was found so far is still written. A second
 * one leaves at once.
 */
export class Interruption {
  readonly #stop: () => void;
  #seen = false;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  get seen(): boolean {
    return this.#seen;
  }

  watch(): void {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  unwatch(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (): void => {
    if (this.#seen) process.exit(EXIT.INTERRUPTED);
    this.#seen = true;
    this.#stop();
  };
}
