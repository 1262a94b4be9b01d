import type { Measure } from '../../domain/action.js';
import type { Order } from './actuator.js';

/** What is asked of a program or a server that is not part of thymus. */
export type Verb = 'apply' | 'undo' | 'verify' | 'list' | 'panic';

/** One request as JSON: the same for a command's standard input and a webhook's body. */
export interface Request {
  readonly version: 1;
  readonly verb: Verb;
  readonly orders: readonly {
    readonly id: string;
    readonly measure: Measure;
    readonly ttl_ms: number;
  }[];
}

export const requestText = (verb: Verb, orders: readonly Order[]): string =>
  JSON.stringify({
    version: 1,
    verb,
    orders: orders.map(({ id, measure, ttlMs }) => ({ id, measure, ttl_ms: ttlMs })),
  } satisfies Request);

/** Kinds that a list of settings names; null: all that change traffic. */
export function handlesKind(kinds: readonly string[] | null, measure: Measure): boolean {
  if (kinds !== null) return kinds.includes(measure.kind);
  return measure.kind !== 'observe' && measure.kind !== 'record';
}
