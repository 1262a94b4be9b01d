import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Edge, Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { parseAddress } from './address.js';
import { readIfThere, replaceFile, whyNotWritten } from './atomic_file.js';
import { httpFailure, post } from './http.js';
import { DONE, failed, firstLine, refused } from './outcome.js';
import { SerialQueue } from './serial_queue.js';

export interface Openc2Settings {
  readonly url: string;
  /** Bearer token; null: the URL and its certificate are enough. */
  readonly token: string | null;
  readonly timeoutMs: number;
  /** Where the numbers of the consumer's rules are kept, by which they are deleted. */
  readonly ledgerPath: string;
  /** Kinds of measures that become commands; null: all that can. */
  readonly kinds: readonly string[] | null;
  /** Wall clock in milliseconds; Date.now by default. */
  readonly nowMs?: () => number;
}

const KINDS: ReadonlySet<Measure['kind']> = new Set(['block_edge', 'block_external', 'isolate']);
const MEDIA_TYPE = 'application/openc2+json;version=1.0';
const MOST_WAITING = 256;
const OK = 200;
const NOT_FOUND = 404;

const ANSWER = z.object({
  // Over HTTP a message has headers and a body; some consumers answer with the response alone.
  body: z
    .object({
      openc2: z.object({ response: z.object({ status: z.number() }).loose() }),
    })
    .optional(),
  status: z.number().optional(),
});
const RESPONSE = z.object({
  status: z.number(),
  status_text: z.string().optional(),
  results: z
    .object({ slpf: z.object({ rule_number: z.number().optional() }).optional() })
    .loose()
    .optional(),
});
type Response = z.infer<typeof RESPONSE>;

const LEDGER = z.record(z.string(), z.array(z.number()));
type Ledger = z.infer<typeof LEDGER>;

/**
 * Asks a packet filter that understands OpenC2, by the profile SLPF 1.0 over HTTPS: `deny` with the
 * time that it lasts, so that the consumer lets go by itself, and `delete` of the rule's number.
 */
export class Openc2 implements Actuator {
  readonly name = 'openc2';
  readonly expiresByItself = true;
  readonly #settings: Openc2Settings;
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor(settings: Openc2Settings) {
    this.#settings = settings;
  }

  handles(measure: Measure): boolean {
    return KINDS.has(measure.kind) && (this.#settings.kinds?.includes(measure.kind) ?? true);
  }

  plan(orders: readonly Order[]): string {
    const lines = orders.flatMap((order) => {
      const targets = targetsOf(order.measure);
      if (typeof targets === 'string') return [`# ${order.id}: ${targets}`];
      return targets.map(
        (target) => `POST ${this.#settings.url} ${JSON.stringify(deny(target, order.ttlMs))}`,
      );
    });
    return lines.join('\n');
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each(orders, (order) => this.#deny(order));
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each(orders, (order) => this.#delete(order.id));
  }

  async verify(_order: Order): Promise<boolean | null> {
    // The profile has no question for one rule.
    return Promise.resolve(null);
  }

  async list(): Promise<readonly string[] | null> {
    try {
      return Object.keys(await this.#ledger());
    } catch {
      return null;
    }
  }

  async panic(): Promise<Outcome> {
    const ids = await this.list();
    if (ids === null) return failed(this.#unreadable());
    for (const id of ids) {
      const outcome = (await this.#queue.run(() => this.#delete(id))) ?? failed(BUSY);
      if (!outcome.ok) return outcome;
    }
    return DONE;
  }

  async close(): Promise<void> {
    await this.#queue.idle();
  }

  async #each(
    orders: readonly Order[],
    change: (order: Order) => Promise<Outcome>,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const order of orders) {
      outcomes.push((await this.#queue.run(() => change(order))) ?? failed(BUSY));
    }
    return outcomes;
  }

  async #deny(order: Order): Promise<Outcome> {
    const targets = targetsOf(order.measure);
    if (typeof targets === 'string') return refused(targets);
    // A longer time is a new rule; the old one goes first, and by its own time at the latest.
    const cleared = await this.#delete(order.id);
    if (!cleared.ok) return cleared;
    const rules: number[] = [];
    for (const target of targets) {
      const answer = await this.#command(deny(target, order.ttlMs));
      if ('ok' in answer) return answer;
      if (answer.status !== OK) return this.#refusal(answer);
      const rule = answer.results?.slpf?.rule_number;
      if (rule === undefined) return refused(NO_NUMBER);
      rules.push(rule);
      const noted = await this.#note(order.id, rules);
      if (!noted.ok) return noted;
    }
    return DONE;
  }

  async #delete(id: string): Promise<Outcome> {
    let rules: readonly number[];
    try {
      rules = (await this.#ledger())[id] ?? [];
    } catch {
      return failed(this.#unreadable());
    }
    for (const rule of rules) {
      const answer = await this.#command({
        action: 'delete',
        target: { 'slpf:rule_number': rule },
        args: { response_requested: 'complete' },
      });
      if ('ok' in answer) return answer;
      // Its time was over before, or somebody else has taken it out.
      if (answer.status !== OK && answer.status !== NOT_FOUND) return this.#refusal(answer);
    }
    return rules.length === 0 ? DONE : this.#note(id, []);
  }

  async #command(command: object): Promise<Response | Outcome> {
    const { url, token, timeoutMs, nowMs = Date.now } = this.#settings;
    const id = randomUUID();
    const message = {
      headers: { request_id: id, created: nowMs(), from: 'thymus' },
      body: { openc2: { request: { ...command, command_id: id } } },
    };
    const headers = {
      'content-type': MEDIA_TYPE,
      accept: MEDIA_TYPE,
      'x-request-id': id,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    const answer = await post(url, JSON.stringify(message), { headers, timeoutMs });
    if ('ok' in answer) return answer;
    return parseResponse(answer.body) ?? httpFailure(url, answer);
  }

  #refusal({ status, status_text: text }: Response): Outcome {
    const said = text === undefined ? '' : ` (${firstLine(text)})`;
    const what = `The OpenC2 consumer answered ${status}${said}`;
    if (status === 401 || status === 403) return refused(`${what}: check the token.`);
    if (status === 501 || status === 400) return refused(`${what}: it does not know the command.`);
    return failed(`${what}: see its log.`);
  }

  async #ledger(): Promise<Ledger> {
    const text = await readIfThere(this.#settings.ledgerPath);
    return text === null ? {} : LEDGER.parse(JSON.parse(text));
  }

  async #note(id: string, rules: readonly number[]): Promise<Outcome> {
    const { ledgerPath } = this.#settings;
    try {
      const { [id]: _, ...others } = await this.#ledger();
      const ledger = rules.length === 0 ? others : { ...others, [id]: [...rules] };
      await replaceFile(ledgerPath, `${JSON.stringify(ledger)}\n`, 0o600);
      return DONE;
    } catch (error) {
      return failed(whyNotWritten(ledgerPath, error));
    }
  }

  #unreadable(): string {
    return `'${this.#settings.ledgerPath}' cannot be read: move it away; rules end by their own time.`;
  }
}

const BUSY = 'Too many commands wait for the OpenC2 consumer: try again later.';

const NO_NUMBER =
  'The OpenC2 consumer gives no rule number, so that its rule cannot be taken back: it ends by its own time.';

const deny = (target: object, ttlMs: number): object => ({
  action: 'deny',
  target,
  args: {
    duration: Math.max(1, Math.round(ttlMs)),
    response_requested: 'complete',
    slpf: { drop_process: 'none', direction: 'both' },
  },
});

function parseResponse(text: string): Response | null {
  try {
    const answer = ANSWER.loose().parse(JSON.parse(text));
    return RESPONSE.parse(answer.body?.openc2.response ?? answer);
  } catch {
    return null;
  }
}

/** Targets of the OpenC2 language that a measure is made of. */
function targetsOf(measure: Measure): readonly object[] | string {
  if (measure.kind === 'block_external') return hostTargets(measure.address);
  if (measure.kind === 'isolate') return hostTargets(measure.host);
  if (measure.kind === 'block_edge') return edgeTargets(measure.edge);
  return `The profile SLPF does not know the measure '${measure.kind}'.`;
}

function hostTargets(host: string): readonly object[] | string {
  const address = parseAddress(host);
  if (address === null) return `'${host}' is no address: OpenC2 needs single addresses.`;
  const bits = address.family === '4' ? 32 : 128;
  return [{ [`ipv${address.family}_net`]: `${address.text}/${bits}` }];
}

function edgeTargets({ from, to, protocol, port }: Edge): readonly object[] | string {
  const [source, destination] = [parseAddress(from), parseAddress(to)];
  if (source === null || source.family !== destination?.family) {
    return `'${from}' and '${to}' are no two addresses of one IP version.`;
  }
  const bits = source.family === '4' ? 32 : 128;
  const connection = {
    src_addr: `${source.text}/${bits}`,
    dst_addr: `${destination.text}/${bits}`,
    ...(port === null || protocol === 'icmp' ? {} : { dst_port: port }),
  };
  const protocols = protocol === 'any' ? (port === null ? [null] : ['tcp', 'udp']) : [protocol];
  return protocols.map((each) => ({
    [`ipv${source.family}_connection`]: {
      ...(each === null ? {} : { protocol: each }),
      ...connection,
    },
  }));
}
