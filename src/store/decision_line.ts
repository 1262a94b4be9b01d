import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import type { Json } from './action_journal.js';

/*
 * A line of the decision log: HASH SIGNATURE BODY\n, where
 *
 *   HASH       SHA-256 of the hash before it (64 zeros for the first) and BODY, hexadecimal
 *   SIGNATURE  Ed25519 of HASH, hexadecimal
 *   BODY       JSON of one entry, its numbers counting up from 1
 *
 * The head is a line of the same form whose body is the number of the last entry, 15 digits wide,
 * and whose hash is that entry's.
 */

/** What happened. */
export const DECISION_KINDS = [
  'start',
  'stop',
  'verdict',
  'proposal',
  'vote',
  'state',
  'renewal',
  'health',
  'allow',
  'mode',
  'panic',
  'lift',
  'difference',
] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];

/** One thing that was decided or done. */
export interface Decision {
  readonly kind: DecisionKind;
  /** One sentence for a person. */
  readonly text: string;
  readonly action?: string;
  readonly incident?: string;
  /** Who, where it was a person. */
  readonly by?: string;
  /** What it was decided by. */
  readonly data?: Json;
}

export interface DecisionEntry extends Decision {
  readonly number: number;
  /** Wall time, ISO 8601 in UTC. */
  readonly at: string;
}

export const FIRST_HASH = '0'.repeat(64);
const HASH_DIGITS = 64;
const SIGNATURE_DIGITS = 128;
const BODY_AT = HASH_DIGITS + SIGNATURE_DIGITS + 2;
const NUMBER_DIGITS = 15;
const FORM = /^[0-9a-f]{64} [0-9a-f]{128} /;

/** A line taken apart; nothing of it is checked. */
export interface DecisionLine {
  readonly hash: string;
  readonly signature: string;
  readonly body: string;
}

export function hashOf(before: string, body: string): string {
  return createHash('sha256').update(before).update(body).digest('hex');
}

export function signed(hash: string, body: string, key: KeyObject): string {
  return `${hash} ${sign(null, Buffer.from(`${hash} ${isHead(body)}`), key).toString('hex')} ${body}\n`;
}

/** @returns null when it has not the form of a line; without the newline */
export function takeApart(line: string): DecisionLine | null {
  if (!FORM.test(line)) return null;
  return {
    hash: line.slice(0, HASH_DIGITS),
    signature: line.slice(HASH_DIGITS + 1, BODY_AT - 1),
    body: line.slice(BODY_AT),
  };
}

export function isSigned({ hash, signature, body }: DecisionLine, key: KeyObject): boolean {
  const said = Buffer.from(`${hash} ${isHead(body)}`);
  return verify(null, said, key, Buffer.from(signature, 'hex'));
}

export const headBody = (number: number): string => String(number).padStart(NUMBER_DIGITS, '0');

/** A head's number is not part of its hash, so it is signed; an entry's body is part of it. */
const isHead = (body: string): string => (body.startsWith('{') ? '' : body);
