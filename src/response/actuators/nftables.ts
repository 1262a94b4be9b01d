import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import type { NftChange } from './nft_change.js';
import { elementsOf, NFT_KINDS, type NftElement } from './nft_elements.js';
import { parseListing, type ListedElement } from './nft_listing.js';
import { NftOwners } from './nft_owners.js';
import { NftScript, writeAdditions, writeGets, writeRemovals } from './nft_script.js';
import { NftSession, type NftAnswer } from './nft_session.js';
import { ENTRY_RULE, installScript, REMOVE_SCRIPT, TABLE, type NftHook } from './nft_table.js';
import { DONE, failed, refused } from './outcome.js';
import type { Command } from './program.js';
import { SerialQueue } from './serial_queue.js';

export interface NftablesSettings {
  /** What starts nft; more than the program where it has to run elsewhere, such as in a namespace. */
  readonly command: Command;
  readonly hook: NftHook;
}

const MOST_WAITING = 1024;
// Looking through all that is held takes milliseconds where it is much.
const EXPIRE_ALL_MS = 60_000;

/** Orders with what they mean, without those that cannot be. */
interface Translated {
  readonly order: Order;
  readonly elements: readonly NftElement[];
}

type MakeChange = (change: NftChange, one: Translated, nowMs: number) => void;

/** Drops packets on this machine, a gateway or bridge, with an own table of nftables. */
export class Nftables implements Actuator {
  readonly name = 'nftables';
  readonly expiresByItself = true;
  readonly #hook: NftHook;
  readonly #session: NftSession;
  readonly #owners = new NftOwners();
  // One change at a time, so that owners and table tell the same.
  readonly #queue = new SerialQueue(MOST_WAITING);
  #ready = false;
  #expireAllMs = 0;

  constructor({ command, hook }: NftablesSettings) {
    this.#session = new NftSession(command);
    this.#hook = hook;
  }

  /** Process id of the long-lived nft; null while there is none. */
  get pid(): number | null {
    return this.#session.pid;
  }

  handles(measure: Measure): boolean {
    return NFT_KINDS.has(measure.kind);
  }

  plan(orders: readonly Order[]): string {
    const owners = new NftOwners();
    const lines = orders.map((order) => {
      const elements = elementsOf(order.measure);
      if (typeof elements === 'string') return `# ${order.id}: ${elements}`;
      const change = owners.begin(0);
      for (const element of elements) change.add(element, order.id, order.ttlMs);
      const script = new NftScript('\n');
      writeAdditions(script, change, 0);
      change.commit();
      return script.bytes.toString();
    });
    return lines.join('\n');
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#transact(
      orders.map(whyNotApplied),
      orders,
      (change, { order, elements }, nowMs) => {
        const untilMs = nowMs + order.ttlMs;
        for (const element of elements) change.add(element, order.id, untilMs);
      },
    );
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    // Its time may well be over.
    return this.#transact(orders.map(whyNotNamed), orders, (change, { order, elements }) => {
      for (const element of elements) change.remove(element, order.id);
    });
  }

  async verify(order: Order): Promise<boolean | null> {
    const elements = elementsOf(order.measure);
    if (typeof elements === 'string') return false;
    const chain = await this.#session.run(`list chain ${TABLE} entry`);
    if (!chain.ok && chain.cause !== 'missing_object') return null;
    if (!chain.ok || !chain.text.includes(ENTRY_RULE)) {
      // Somebody has flushed or removed it: the next change makes it again.
      this.#ready = false;
      return false;
    }
    const script = new NftScript();
    writeGets(script, elements);
    // A script stops at the first that fails, which is all that is asked.
    const answer = await this.#session.run(script.bytes);
    if (answer.ok) return true;
    return answer.cause === 'missing_object' ? false : null;
  }

  async list(): Promise<readonly string[] | null> {
    // Only the first look changes what is known here; later ones delay no change.
    const listed = await (this.#ready ? this.#read() : this.#queue.run(() => this.#adopt()));
    if (listed === null || !listed.ok) return null;
    // Of many that share an element its comment has room for three only.
    const nowMs = performance.now();
    const ids = listed.elements.flatMap(({ element, ids: named }) => [
      ...named,
      ...this.#owners.ids(element, nowMs),
    ]);
    return [...new Set(ids)];
  }

  async panic(): Promise<Outcome> {
    const answer = await this.#queue.run(async () => {
      this.#ready = false;
      this.#owners.clear();
      return this.#session.run(REMOVE_SCRIPT);
    });
    return answer === null ? failed(BUSY) : outcomeOf(answer);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#session.close();
  }

  async #transact(
    reasons: readonly (string | null)[],
    orders: readonly Order[],
    make: MakeChange,
  ): Promise<readonly Outcome[]> {
    const translated: Translated[] = [];
    const outcomes = orders.map((order, i): Outcome => {
      const elements = reasons[i] ?? elementsOf(order.measure);
      if (typeof elements === 'string') return refused(elements);
      translated.push({ order, elements });
      return DONE;
    });
    if (translated.length === 0) return outcomes;
    const done = await this.#queue.run(() => this.#commit(translated, make));
    const shared = done === null ? failed(BUSY) : outcomeOf(done);
    return outcomes.map((outcome) => (outcome.ok ? shared : outcome));
  }

  async #commit(translated: readonly Translated[], make: MakeChange): Promise<NftAnswer> {
    const answer = await this.#attempt(translated, make);
    if (answer.ok || answer.cause !== 'missing_object') return answer;
    // Somebody has removed the table or a part of it: it is made again, once.
    this.#ready = false;
    return this.#attempt(translated, make);
  }

  async #attempt(translated: readonly Translated[], make: MakeChange): Promise<NftAnswer> {
    const prepared = await this.#prepare();
    if (!prepared.ok) return prepared;
    const nowMs = performance.now();
    this.#expireAll(nowMs);
    const change = this.#owners.begin(nowMs);
    for (const one of translated) make(change, one, nowMs);
    const script = new NftScript();
    for (const text of change.needs) script.command(text);
    writeRemovals(script, change);
    writeAdditions(script, change, nowMs);
    const { bytes } = script;
    const answer = bytes.length === 0 ? prepared : await this.#session.run(bytes);
    if (answer.ok) change.commit();
    else change.takeBack();
    return answer;
  }

  #expireAll(nowMs: number): void {
    if (nowMs < this.#expireAllMs) return;
    this.#expireAllMs = nowMs + EXPIRE_ALL_MS;
    this.#owners.expire(nowMs);
  }

  /** Makes the table where it is missing, and learns what a run before this one has left in it. */
  async #prepare(): Promise<NftAnswer> {
    if (this.#ready) return { ok: true, text: '' };
    const installed = await this.#session.run(installScript(this.#hook));
    if (!installed.ok) return this.#whyNotInstalled(installed);
    const adopted = await this.#adopt();
    if (!adopted.ok) return adopted.answer;
    this.#ready = true;
    return installed;
  }

  #whyNotInstalled(answer: Refused): Refused {
    if (answer.cause !== 'missing_object') return answer;
    const { at, devices } = this.#hook;
    const reason =
      at === 'ingress'
        ? `One of the interfaces ${devices.join(', ')} is missing: correct 'devices'.`
        : 'The kernel lacks a part of nftables: load nf_tables with sets, maps and limits.';
    return { ok: false, cause: 'refused', reason };
  }

  async #adopt(): Promise<Listed> {
    const listed = await this.#read();
    if (listed.ok) this.#owners.adopt(listed.elements, performance.now());
    return listed;
  }

  async #read(): Promise<Listed> {
    const answer = await this.#session.read('-n', 'list', 'table', ...TABLE.split(' '));
    if (answer.ok) return { ok: true, elements: parseListing(answer.text) };
    if (answer.cause === 'missing_object') return { ok: true, elements: [] };
    return { ok: false, answer };
  }
}

type Refused = Extract<NftAnswer, { ok: false }>;

type Listed =
  | { readonly ok: true; readonly elements: readonly ListedElement[] }
  | { readonly ok: false; readonly answer: NftAnswer };

const BUSY = 'Too many changes wait for nft: try again when it has caught up.';

function outcomeOf(answer: NftAnswer): Outcome {
  if (answer.ok) return DONE;
  const lasting = answer.cause === 'no_rights' || answer.cause === 'no_program';
  return lasting ? refused(answer.reason) : failed(answer.reason);
}

const ID = /^[0-9a-z-]{1,40}$/;

/** An id becomes part of a script. */
const whyNotNamed = ({ id }: Order): string | null =>
  ID.test(id)
    ? null
    : `'${id}' is no id of an action: it has other characters than 0-9, a-z and -.`;

const whyNotApplied = (order: Order): string | null =>
  order.ttlMs > 0 ? whyNotNamed(order) : 'Its time is over before it begins.';
