import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Edge, Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { parseAddress } from './address.js';
import { httpFailure, post, type NoAnswer } from './http.js';
import { Openc2Ledger, type Holding } from './openc2_ledger.js';
import { DONE, failed, firstLine, refused } from './outcome.js';
import { SerialQueue } from './serial_queue.js';

export interface Openc2Settings {
  readonly url: string;
  /** Bearer token; null: the URL and its certificate are enough. */
  readonly token: string | null;
  readonly timeoutMs: number;
  /** Where it is kept what the consumer holds; see Openc2Ledger. */
  readonly ledgerPath: string;
  /** Kinds of measures that become commands; null: all that can. */
  readonly kinds: readonly string[] | null;
  /** Wall clock in milliseconds; Date.now by default. */
  readonly nowMs?: () => number;
}

const KINDS: ReadonlySet<Measure['kind']> = new Set(['block_edge', 'block_external', 'isolate']);
const MEDIA_TYPE = 'application/openc2+json;version=1.0';
const MOST_WAITING = 256;
const PROCESSING = 102;
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

/**
 * Asks a packet filter that understands OpenC2, by the profile SLPF 1.0 over HTTPS: `deny` with the
 * time that it lasts, so that the consumer lets go by itself, and `delete` of the rule's number.
 * The profile has no question for a number that an answer which never came would have told, and
 * numbers of our own (`insert_rule`) are places in a list that we do not know: such a rule ends by
 * its own time, and until then it is said that it may be there.
 */
export class Openc2 implements Actuator {
  readonly name = 'openc2';
  readonly expiresByItself = true;
  readonly #settings: Openc2Settings;
  readonly #ledger: Openc2Ledger;
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor(settings: Openc2Settings) {
    this.#settings = settings;
    this.#ledger = new Openc2Ledger(settings.ledgerPath);
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
      return await this.#ledger.ids();
    } catch {
      return null;
    }
  }

  async panic(): Promise<Outcome> {
    const ids = await this.list();
    if (ids === null) return failed(this.#unreadable());
    let first: Outcome = DONE;
    for (const id of ids) {
      const outcome = (await this.#queue.run(() => this.#delete(id))) ?? failed(BUSY);
      if (first.ok) first = outcome;
    }
    return first;
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

  async #deny({ id, measure, ttlMs }: Order): Promise<Outcome> {
    const targets = targetsOf(measure);
    if (typeof targets === 'string') return refused(targets);
    // A longer time is a new rule; the old one goes first, and by its own time at the latest.
    let held = await this.#withoutKnown(id);
    for (const target of targets) {
      if ('ok' in held) break;
      held = await this.#add({ id, held, target, ttlMs });
    }
    return 'ok' in held ? held : DONE;
  }

  /** @returns what is held with the new rule */
  async #add({ id, held, target, ttlMs }: Addition): Promise<Holding | Outcome> {
    const { timeoutMs } = this.#settings;
    const untilMs = this.#nowMs() + timeoutMs + durationOf(ttlMs);
    const unansweredUntilMs = Math.max(held.unansweredUntilMs, untilMs);
    const noted = await this.#ledger.set(id, { ...held, unansweredUntilMs });
    if (!noted.ok) return noted;
    const answer = await this.#command(deny(target, ttlMs));
    if ('ok' in answer) return this.#unlessHeard(id, held, answer);
    if (answer.status === PROCESSING) return this.#refusal(answer);
    if (answer.status !== OK) return this.#unlessHeard(id, held, this.#refusal(answer));
    const number = answer.results?.slpf?.rule_number;
    if (number === undefined) return refused(NO_NUMBER);
    const after = { ...held, rules: [...held.rules, { number, untilMs }] };
    const known = await this.#ledger.set(id, after);
    return known.ok ? after : known;
  }

  /** Nothing is in force of what nobody has heard, or was refused. */
  async #unlessHeard(id: string, before: Holding, outcome: Outcome | NoAnswer): Promise<Outcome> {
    if (!('maybeHeard' in outcome && outcome.maybeHeard)) await this.#ledger.set(id, before);
    return outcome;
  }

  async #delete(id: string): Promise<Outcome> {
    const left = await this.#withoutKnown(id);
    if ('ok' in left) return left;
    const { unansweredUntilMs } = left;
    if (unansweredUntilMs === 0) return DONE;
    const until = new Date(unansweredUntilMs).toISOString();
    return failed(
      `The OpenC2 consumer has not told the number of a rule that may be in force until ${until}: take it out there, or wait.`,
    );
  }

  /** Deletes all rules whose number is known. @returns what may be left by now */
  async #withoutKnown(id: string): Promise<Holding | Outcome> {
    let held: Holding;
    try {
      held = await this.#ledger.holding(id);
    } catch {
      return failed(this.#unreadable());
    }
    for (const { number, untilMs } of held.rules) {
      const outcome = await this.#deleteRule(number);
      // Its own time is over, so that there is nothing left to be deleted.
      if (!outcome.ok && untilMs > this.#nowMs()) return outcome;
    }
    const isOver = held.unansweredUntilMs <= this.#nowMs();
    const left = { rules: [], unansweredUntilMs: isOver ? 0 : held.unansweredUntilMs };
    if (held.rules.length === 0 && left.unansweredUntilMs === held.unansweredUntilMs) return left;
    const noted = await this.#ledger.set(id, left);
    return noted.ok ? left : noted;
  }

  async #deleteRule(number: number): Promise<Outcome> {
    const answer = await this.#command({
      action: 'delete',
      target: { 'slpf:rule_number': number },
      args: { response_requested: 'complete' },
    });
    if ('ok' in answer) return answer;
    // Somebody else has taken it out.
    if (answer.status === OK || answer.status === NOT_FOUND) return DONE;
    return this.#refusal(answer);
  }

  #nowMs(): number {
    return (this.#settings.nowMs ?? Date.now)();
  }

  async #command(command: object): Promise<Response | NoAnswer> {
    const { url, token, timeoutMs } = this.#settings;
    const id = randomUUID();
    const message = {
      headers: { request_id: id, created: this.#nowMs(), from: 'thymus' },
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

  #unreadable(): string {
    return `'${this.#settings.ledgerPath}' cannot be read: move it away; rules end by their own time.`;
  }
}

const BUSY = 'Too many commands wait for the OpenC2 consumer: try again later.';

const NO_NUMBER =
  'The OpenC2 consumer gives no rule number, so that its rule cannot be taken back: it ends by its own time.';

interface Addition {
  readonly id: string;
  /** What is held for the same action. */
  readonly held: Holding;
  readonly target: object;
  readonly ttlMs: number;
}

const durationOf = (ttlMs: number): number => Math.max(1, Math.round(ttlMs));

const deny = (target: object, ttlMs: number): object => ({
  action: 'deny',
  target,
  args: {
    duration: durationOf(ttlMs),
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
