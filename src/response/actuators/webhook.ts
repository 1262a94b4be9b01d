import { createHmac } from 'node:crypto';
import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { httpFailure, post } from './http.js';
import { handlesKind, requestText, type Verb } from './order_json.js';
import { DONE, forAll } from './outcome.js';

export interface WebhookSettings {
  readonly url: string;
  /** Both sides know it. */
  readonly secret: string;
  readonly timeoutMs: number;
  /** Kinds of measures it is asked for; null: all that change traffic. */
  readonly kinds: readonly string[] | null;
  readonly expiresByItself: boolean;
  /** Wall clock in milliseconds, which is signed with the body; Date.now by default. */
  readonly nowMs?: () => number;
}

/** Seconds and body, signed as `sha256=HEX` of HMAC-SHA256 over `SECONDS.BODY`. */
export function signature(secret: string, seconds: number, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/**
 * Gives orders to a server of the operator, signed and with the time, so that neither a forged nor
 * an old request is believed. What the server has done it does not tell.
 */
export class Webhook implements Actuator {
  readonly name = 'webhook';
  readonly expiresByItself: boolean;
  readonly #settings: WebhookSettings;

  constructor(settings: WebhookSettings) {
    this.#settings = settings;
    this.expiresByItself = settings.expiresByItself;
  }

  handles(measure: Measure): boolean {
    return handlesKind(this.#settings.kinds, measure);
  }

  plan(orders: readonly Order[]): string {
    return `POST ${this.#settings.url} ${requestText('apply', orders)}`;
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return forAll(orders, await this.#send('apply', orders));
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return forAll(orders, await this.#send('undo', orders));
  }

  async verify(_order: Order): Promise<boolean | null> {
    return Promise.resolve(null);
  }

  async list(): Promise<readonly string[] | null> {
    return Promise.resolve(null);
  }

  async panic(): Promise<Outcome> {
    return this.#send('panic', []);
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }

  async #send(verb: Verb, orders: readonly Order[]): Promise<Outcome> {
    const { url, secret, timeoutMs, nowMs = Date.now } = this.#settings;
    const body = requestText(verb, orders);
    const seconds = Math.floor(nowMs() / 1000);
    const headers = {
      'content-type': 'application/json',
      'x-thymus-timestamp': String(seconds),
      'x-thymus-signature': signature(secret, seconds, body),
    };
    const answer = await post(url, body, { headers, timeoutMs });
    if (!('status' in answer)) return answer;
    return answer.status >= 200 && answer.status < 300 ? DONE : httpFailure(url, answer);
  }
}
