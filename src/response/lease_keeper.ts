import type { AllowList } from '../domain/measure.js';
import type { Actuator, Order, Outcome } from './actuators/actuator.js';
import { failed, refused } from './actuators/outcome.js';
import type { Clock } from './clock.js';

/** Orders in force; more are refused. */
const MOST_LEASES = 65_536;
/** Longest time of one order, as of one renewal (science 9.1). */
const MOST_TTL_MS = 4 * 3_600_000;
const RETRY_MS = 5000;

export interface LeaseKeeperOptions {
  readonly actuator: Actuator;
  readonly clock: Clock;
  /** What is never touched, whoever asks for it. */
  readonly never: AllowList;
}

interface Lease {
  readonly order: Order;
  /** Milliseconds of boot time. */
  readonly untilMs: number;
}

/**
 * Enforces for a responder that may be gone at any time: each order is a lease that ends on the boot
 * clock of this machine, whether or not anybody says so. What the packet filter lets go of by itself
 * it lets go of then, too; the clock of leases goes on while the machine sleeps.
 */
export class LeaseKeeper {
  readonly #actuator: Actuator;
  readonly #clock: Clock;
  readonly #never: AllowList;
  readonly #leases = new Map<string, Lease>();
  /** None ends before. */
  #nextMs = Infinity;

  constructor({ actuator, clock, never }: LeaseKeeperOptions) {
    this.#actuator = actuator;
    this.#clock = clock;
    this.#never = never;
  }

  /** Leases that are known; those of an agent before this one are not. */
  get size(): number {
    return this.#leases.size;
  }

  /** @returns one outcome per order */
  async apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    const reasons = orders.map((order) => this.#whyNot(order));
    const taken = orders.filter((_, i) => reasons[i] === null).map(clamped);
    const before = taken.map(({ id }) => this.#leases.get(id));
    // Before the call, since a tick must not end meanwhile what is being renewed.
    for (const order of taken) this.#keep(order, order.ttlMs);
    const outcomes = await this.#actuator.apply(taken);
    taken.forEach(({ id }, i) => {
      if (outcomes[i]?.ok !== true && before[i] === undefined) this.#leases.delete(id);
    });
    const each = outcomes.values();
    return reasons.map((reason) => reason ?? each.next().value ?? SILENT);
  }

  /** @returns one outcome per order */
  async undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    for (const { id } of orders) this.#leases.delete(id);
    return this.#actuator.undo(orders);
  }

  verify(order: Order): Promise<boolean | null> {
    return this.#actuator.verify(order);
  }

  list(): Promise<readonly string[] | null> {
    return this.#actuator.list();
  }

  panic(): Promise<Outcome> {
    this.#leases.clear();
    return this.#actuator.panic();
  }

  /** Ends what is over; to be called several times a second. Settles when the target has answered. */
  async tick(): Promise<void> {
    const { bootMs } = this.#clock.now();
    if (bootMs < this.#nextMs) return;
    const over: Lease[] = [];
    this.#nextMs = Infinity;
    for (const lease of this.#leases.values()) {
      if (lease.untilMs <= bootMs) over.push(lease);
      else this.#nextMs = Math.min(this.#nextMs, lease.untilMs);
    }
    for (const { order } of over) this.#leases.delete(order.id);
    const orders = over.map(({ order }) => order);
    const outcomes = await this.#actuator.undo(orders);
    orders.forEach((order, i) => {
      // A newer order of the same id has a lease of its own by now.
      if (outcomes[i]?.ok !== true && !this.#leases.has(order.id)) this.#keep(order, RETRY_MS);
    });
  }

  /** Lets go of processes; what is enforced stays until its time is over. */
  close(): Promise<void> {
    return this.#actuator.close();
  }

  #keep(order: Order, ttlMs: number): void {
    const untilMs = this.#clock.now().bootMs + ttlMs;
    this.#leases.set(order.id, { order, untilMs });
    this.#nextMs = Math.min(this.#nextMs, untilMs);
  }

  #whyNot({ id, measure, ttlMs }: Order): Outcome | null {
    if (this.#never.forbids(measure)) {
      return refused('The agent was started never to touch what this is about.');
    }
    if (!this.#actuator.handles(measure)) {
      return refused(`The agent does not know the measure '${measure.kind}'.`);
    }
    if (ttlMs <= 0) return refused('Its time is over before it begins.');
    if (this.#leases.size >= MOST_LEASES && !this.#leases.has(id)) {
      return failed(`The agent enforces ${MOST_LEASES} orders already: withdraw some.`);
    }
    return null;
  }
}

const SILENT = failed('The packet filter gave no answer: see the log of the agent.');

const clamped = (order: Order): Order => ({
  ...order,
  ttlMs: Math.min(order.ttlMs, MOST_TTL_MS),
});
