import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { whyNotWritten } from './atomic_file.js';
import { BGP_KINDS, routeKey, routesOf, type BgpRoute } from './bgp_route.js';
import type { BgpSpeaker } from './bgp_speaker.js';
import { DONE, failed, refused } from './outcome.js';
import { RouteLedger } from './route_ledger.js';
import { SerialQueue } from './serial_queue.js';

export interface BgpSettings {
  readonly speaker: BgpSpeaker;
  /** Where it is kept which actions a route belongs to. */
  readonly ledgerPath: string;
  /** Kinds of measures that become routes; null: all that can. */
  readonly kinds: readonly string[] | null;
}

const MOST_WAITING = 256;
const MOST_ROUTES = 1000;

type Owners = Map<string, readonly string[]>;

/** Lets routers upstream drop, by FlowSpec and blackhole routes of a BGP daemon. */
export class Bgp implements Actuator {
  readonly name: string;
  readonly expiresByItself = false;
  readonly #speaker: BgpSpeaker;
  readonly #ledger: RouteLedger;
  readonly #kinds: readonly string[] | null;
  readonly #queue = new SerialQueue(MOST_WAITING);

  constructor({ speaker, ledgerPath, kinds }: BgpSettings) {
    this.name = speaker.name;
    this.#speaker = speaker;
    this.#ledger = new RouteLedger(ledgerPath);
    this.#kinds = kinds;
  }

  handles(measure: Measure): boolean {
    return BGP_KINDS.has(measure.kind) && (this.#kinds?.includes(measure.kind) ?? true);
  }

  plan(orders: readonly Order[]): string {
    const lines = orders.flatMap((order) => {
      const routes = routesOf(order.measure);
      if (typeof routes === 'string') return [`# ${order.id}: ${routes}`];
      return routes.map((route) => this.#speaker.plan(route));
    });
    return lines.join('\n');
  }

  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each(orders, async (order, routes) => {
      const ready = await this.#speaker.ready();
      return ready.ok ? this.#announce(order.id, routes) : ready;
    });
  }

  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each(orders, (order, routes) => this.#withdraw(order.id, routes));
  }

  async verify(order: Order): Promise<boolean | null> {
    const routes = routesOf(order.measure);
    if (typeof routes === 'string') return false;
    const marked = await this.#speaker.marked();
    if (marked === null) return null;
    const keys = new Set(marked.map(routeKey));
    if (!routes.every((route) => keys.has(routeKey(route)))) return false;
    return (await this.#speaker.ready()).ok;
  }

  async list(): Promise<readonly string[] | null> {
    const marked = await this.#speaker.marked();
    if (marked === null) return null;
    try {
      const owners = await this.#ledger.owners();
      return [
        ...new Set(marked.flatMap((route) => owners.get(routeKey(route)) ?? [strayId(route)])),
      ];
    } catch {
      return null;
    }
  }

  async panic(): Promise<Outcome> {
    const done = await this.#queue.run(async () => {
      const marked = await this.#speaker.marked();
      if (marked === null) {
        const ready = await this.#speaker.ready();
        return ready.ok ? failed('The BGP daemon does not list its routes: see its log.') : ready;
      }
      for (const route of marked) {
        const withdrawn = await this.#speaker.withdraw(route);
        if (!withdrawn.ok) return withdrawn;
      }
      return this.#note(new Map());
    });
    return done ?? failed(BUSY);
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#speaker.close();
  }

  async #each(
    orders: readonly Order[],
    change: (order: Order, routes: readonly BgpRoute[]) => Promise<Outcome>,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const order of orders) {
      const routes = routesOf(order.measure);
      if (typeof routes === 'string') outcomes.push(refused(routes));
      else outcomes.push((await this.#queue.run(() => change(order, routes))) ?? failed(BUSY));
    }
    return outcomes;
  }

  async #announce(id: string, routes: readonly BgpRoute[]): Promise<Outcome> {
    const owners = await this.#owners();
    if (owners === null) return failed(this.#unreadable());
    const before = new Map(owners);
    for (const key of routes.map(routeKey)) {
      owners.set(key, [...new Set([...(owners.get(key) ?? []), id])]);
    }
    if (owners.size > MOST_ROUTES) {
      return refused(`${MOST_ROUTES} routes are announced and no more fit: withdraw some.`);
    }
    const noted = await this.#note(owners);
    if (!noted.ok) return noted;
    for (const [i, route] of routes.entries()) {
      const announced = await this.#speaker.announce(route);
      if (announced.ok) continue;
      // All of an order or nothing: those before it go back, where nobody else needs them.
      for (const done of routes.slice(0, i)) {
        if (!before.has(routeKey(done))) await this.#speaker.withdraw(done);
      }
      await this.#note(before);
      return announced;
    }
    return DONE;
  }

  async #withdraw(id: string, routes: readonly BgpRoute[]): Promise<Outcome> {
    const owners = await this.#owners();
    if (owners === null) return failed(this.#unreadable());
    for (const route of routes) {
      const key = routeKey(route);
      const others = (owners.get(key) ?? []).filter((owner) => owner !== id);
      if (others.length > 0) {
        owners.set(key, others);
        continue;
      }
      const withdrawn = await this.#speaker.withdraw(route);
      if (!withdrawn.ok) return withdrawn;
      owners.delete(key);
    }
    return this.#note(owners);
  }

  async #owners(): Promise<Owners | null> {
    try {
      return new Map(await this.#ledger.owners());
    } catch {
      return null;
    }
  }

  async #note(owners: Owners): Promise<Outcome> {
    try {
      await this.#ledger.replace(owners);
      return DONE;
    } catch (error) {
      return failed(whyNotWritten(this.#ledger.path, error));
    }
  }

  #unreadable(): string {
    return `'${this.#ledger.path}' cannot be read: move it away, then withdraw all with 'thymus panic'.`;
  }
}

const BUSY = 'Too many routes wait for the BGP daemon: try again when it has caught up.';

/** A route with the mark of thymus that no action is known for. */
const strayId = (route: BgpRoute): string =>
  `stray-${routeKey(route)
    .replace(/[^0-9a-z]+/g, '-')
    .slice(0, 34)}`.replace(/-$/, '');
