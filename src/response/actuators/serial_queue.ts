/** Runs jobs one after the other; at most `most` of them wait. */
export class SerialQueue {
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns null, and does nothing, where too many wait */
  async run<T>(job: () => Promise<T>): Promise<T | null> {
    if (this.#waiting >= this.#most) return null;
    this.#waiting++;
    const before = this.#last;
    const mine = (async () => {
      try {
        await before;
      } catch {
        // Whoever asked for it has been told.
      }
      try {
        return await job();
      } finally {
        this.#waiting--;
      }
    })();
    this.#last = mine;
    return mine;
  }

  /** Settles when everything asked for until now is done. */
  async idle(): Promise<void> {
    await this.#last.catch(() => null);
  }
}
