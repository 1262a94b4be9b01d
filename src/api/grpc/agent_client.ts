import {
  type Client,
  connectivityState,
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';

import type { Order, Outcome } from '../../response/actuators/actuator.js';
import type { AgentLink } from '../../response/actuators/agent.js';
import { failed, firstLine, forAll, refused } from '../../response/actuators/outcome.js';
import { thymus } from '../gen/enforcement.js';
import { measureMessage } from '../measure_message.js';
import { ENFORCEMENT_SERVICE, ENFORCEMENT_VERSION } from './enforcement.js';
import { readTls, type TlsFiles } from './tls.js';

type V1 = typeof thymus.v1;
type Message<Name extends keyof V1> = V1[Name] extends { prototype: infer M } ? M : never;
type Call = (
  request: object,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, answer: object) => void,
) => void;

export interface AgentClientSettings {
  readonly host: string;
  readonly port: number;
  /** Name in the certificate of the agent; null: the host. */
  readonly serverName: string | null;
  readonly tls: TlsFiles;
  /** Of each call, milliseconds. */
  readonly timeoutMs: number;
}

// Far below what an agent takes, so that a call is soon over.
const MOST_CHUNK_ORDERS = 512;
const MOST_CHUNK_BYTES = 1024 * 1024;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
/** A peer that is gone without a word is noticed after both. */
const KEEPALIVE_MS = 5000;
const KEEPALIVE_ANSWER_MS = 5000;
const FIRST_RECONNECT_MS = 200;
const LAST_RECONNECT_MS = 2000;

// How grpc-js tells why there is no connection, between its own words and a date.
const LAST_ERROR = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\. Resolution note:/;

/** Statuses that no second try changes. */
const LASTING: ReadonlySet<status> = new Set([
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.INVALID_ARGUMENT,
]);

const OPTIONS = {
  'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
  'grpc.max_reconnect_backoff_ms': LAST_RECONNECT_MS,
  // What goes to an agent goes there directly, as the settings say and nothing else.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

/** A connection to a `thymus agent`, which is made anew when it is lost. */
export class AgentClient implements AgentLink {
  readonly place: string;
  readonly #timeoutMs: number;
  readonly #client: Client & Record<string, unknown>;
  readonly #listeners: (() => void)[] = [];
  #isClosed = false;

  /** @throws ThymusError CONFIG_INVALID when the certificates cannot be read */
  constructor({ host, port, serverName, tls, timeoutMs }: AgentClientSettings) {
    const { ca, cert, key } = readTls(tls, 'CONFIG_INVALID');
    this.place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#timeoutMs = timeoutMs;
    const Constructor = makeGenericClientConstructor(ENFORCEMENT_SERVICE, 'Enforcement');
    const name = serverName === null ? {} : { 'grpc.ssl_target_name_override': serverName };
    const secure = credentials.createSsl(ca, key, cert);
    this.#client = new Constructor(this.place, secure, { ...OPTIONS, ...name });
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#inChunks('Apply', orders);
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#inChunks('Undo', orders);
  }

  async verify(order: Order): Promise<boolean | null> {
    const answer = await this.#call('Verify', { orders: [orderMessage(order)] });
    if (isOutcome(answer)) return null;
    return (answer as Message<'OrderStates'>).states[0]?.isEnforced ?? null;
  }

  async list(): Promise<readonly string[] | null> {
    const answer = await this.#call('ListEnforced', {});
    if (isOutcome(answer)) return null;
    const { isKnown, ids } = answer as Message<'Enforced'>;
    return isKnown ? ids : null;
  }

  async panic(): Promise<Outcome> {
    const answer = await this.#call('WithdrawAll', {});
    return isOutcome(answer) ? answer : this.#outcomeOf(answer);
  }

  onReturn(listener: () => void): void {
    this.#listeners.push(listener);
    if (this.#listeners.length === 1) this.#follow();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#client.close();
    return Promise.resolve();
  }

  async #inChunks(method: string, orders: readonly Order[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const chunk of chunksOf(orders)) {
      const answer = await this.#call(method, { orders: chunk });
      // Nobody waits for a silent agent once more for each chunk.
      if (isOutcome(answer)) return [...outcomes, ...forAll(orders.slice(outcomes.length), answer)];
      const { outcomes: said } = answer as Message<'OrderOutcomes'>;
      outcomes.push(...chunk.map((_, i) => this.#outcomeOf(said[i])));
    }
    return outcomes;
  }

  /** @returns what was answered, or why there is no answer */
  #call(method: string, request: object): Promise<object | (Outcome & { ok: false })> {
    return new Promise((resolve) => {
      const deadline = Date.now() + this.#timeoutMs;
      const message = { ...request, protocolVersion: ENFORCEMENT_VERSION };
      const call = this.#client[method] as Call;
      call.call(this.#client, message, { deadline }, (error, answer) =>
        resolve(error === null ? answer : this.#whyNot(error)),
      );
    });
  }

  #whyNot({ code, details }: ServiceError): Outcome {
    const said = firstLine(LAST_ERROR.exec(details)?.[1] ?? details);
    const agent = `The agent at ${this.place}`;
    if (code === status.DEADLINE_EXCEEDED) {
      return failed(`${agent} did not answer within ${this.#timeoutMs} ms: see its log.`);
    }
    if (code === status.UNAVAILABLE) {
      const cure = 'check that it runs, and both certificates';
      return failed(`${agent} cannot be reached (${said}): ${cure}.`);
    }
    if (code === status.UNIMPLEMENTED) {
      return refused(`What answers at ${this.place} is no agent that this version knows.`);
    }
    if (LASTING.has(code)) return refused(`${agent} refuses: ${said}`);
    return failed(`${agent} failed (${said}): see its log.`);
  }

  #outcomeOf(message: thymus.v1.OrderOutcome.$Properties | undefined): Outcome {
    if (message?.isDone === true) return { ok: true };
    const reason = firstLine(message?.reason ?? 'it gave no answer');
    const sentence = `${this.place}: ${reason}`;
    return message?.mayRetry !== true && message !== undefined
      ? refused(sentence)
      : failed(sentence);
  }

  #follow(): void {
    const channel = this.#client.getChannel();
    const before = channel.getConnectivityState(true);
    channel.watchConnectivityState(before, Infinity, () => {
      if (this.#isClosed) return;
      if (channel.getConnectivityState(true) === connectivityState.READY) {
        for (const listener of this.#listeners) listener();
      }
      this.#follow();
    });
  }
}

const isOutcome = (answer: object): answer is Outcome & { ok: false } => 'ok' in answer;

const orderMessage = ({ id, measure, ttlMs }: Order): thymus.v1.Order.$Properties => ({
  id,
  measure: measureMessage(measure),
  ttlMs: Math.max(0, Math.ceil(ttlMs)),
});

function chunksOf(orders: readonly Order[]): readonly (readonly thymus.v1.Order.$Properties[])[] {
  const chunks: thymus.v1.Order.$Properties[][] = [];
  let bytes = Infinity;
  for (const order of orders) {
    const message = orderMessage(order);
    const { pos: len } = thymus.v1.Order.encode(message);
    if (bytes + len > MOST_CHUNK_BYTES || chunks.at(-1)!.length >= MOST_CHUNK_ORDERS) {
      chunks.push([]);
      bytes = 0;
    }
    bytes += len;
    chunks.at(-1)!.push(message);
  }
  return chunks;
}
