import type { NativeRun } from './binding.js';

/** Where a consumer gets batches from: a native queue, later also a stream of another sensor. */
export interface BatchSource {
  /**
   * Copies whole batches into `buffer`, each at a multiple of 64, waiting up to `timeoutMs`.
   * @returns bytes written, 0 when the time ran out, -1 when there will be no more
   */
  read(buffer: Uint8Array, timeoutMs: number): number;
}

/** One queue of a native run. */
export class NativeQueue implements BatchSource {
  readonly #run: NativeRun;
  readonly #queue: number;

  constructor(run: NativeRun, queue: number) {
    this.#run = run;
    this.#queue = queue;
  }

  read(buffer: Uint8Array, timeoutMs: number): number {
    return this.#run.drain(this.#queue, buffer, timeoutMs);
  }
}

/** Large enough for several batches, small enough to stay in the cache of one core. */
export const DRAIN_BUFFER_BYTES = 1 << 20;

/** Takes what is left and forgets it, so that no producer waits for a consumer that has failed. */
export async function discardRest(source: BatchSource, buffer: Uint8Array): Promise<void> {
  while (source.read(buffer, 0) >= 0) await nextTurn();
}

/** Lets messages, timers and signals in. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
