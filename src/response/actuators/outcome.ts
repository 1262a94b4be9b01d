import type { Order, Outcome } from './actuator.js';

export const DONE: Outcome = { ok: true };

/** It will fail again until somebody changes something. */
export const refused = (reason: string): Outcome => ({ ok: false, reason, retry: false });

/** It may work later as it is. */
export const failed = (reason: string): Outcome => ({ ok: false, reason, retry: true });

/** The same outcome for each order. */
export const forAll = (orders: readonly Order[], outcome: Outcome): readonly Outcome[] =>
  orders.map(() => outcome);

/** The first line of what a program or a server said, short and harmless enough for a sentence. */
export function firstLine(text: string): string {
  const line = text
    .split('\n')
    .map((part) => part.trim())
    .find((part) => part !== '');
  // What steers a terminal is nobody's to say.
  return (line ?? 'it said nothing').replace(/\p{Cc}/gu, ' ').slice(0, 200);
}

/** The message of something thrown, as one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return firstLine(String(error));
  const { cause } = error;
  return firstLine(cause instanceof Error ? `${error.message}: ${cause.message}` : error.message);
}
