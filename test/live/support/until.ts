import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is looked for, and how long. */
export interface Search<T> {
  /** @returns undefined or false while it is not there */
  readonly look: () => Promise<T | undefined | false>;
  /** What there is instead, for the failure. */
  readonly seen: () => Promise<string>;
  /** Milliseconds. */
  readonly withinMs: number;
}

/** @throws AssertionError with what was seen instead, when the time is over */
export async function until<T>({ look, seen, withinMs }: Search<T>): Promise<T> {
  const deadline = performance.now() + withinMs;
  do {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(20);
  } while (performance.now() < deadline);
  assert.fail(`nothing was found in ${withinMs / 1000} s; what was seen: ${await seen()}`);
}
