import type { Actuator, Order, Outcome } from './actuators/actuator.js';

/** Orders of one call. */
const MOST_ORDERS = 8192;
const CALL_MS = 30_000;

type Job =
  | {
      readonly kind: 'apply' | 'undo';
      /** Asked when its turn comes; null: it is not wanted any more. */
      readonly order: () => Order | null;
      readonly settle: (outcome: Outcome | null) => void;
    }
  | { readonly kind: 'call'; readonly run: () => Promise<void> };

/**
 * Calls one actuator, one call at a time, in the order in which it was asked: an undo comes after
 * the apply that it takes back. What waits meanwhile goes into the next call together.
 */
export class ActuatorQueue {
  readonly actuator: Actuator;
  readonly #callMs: number;
  #jobs: Job[] = [];
  #isRunning = false;

  constructor(actuator: Actuator, callMs = CALL_MS) {
    this.actuator = actuator;
    this.#callMs = callMs;
  }

  /** Jobs that wait. */
  get length(): number {
    return this.#jobs.length;
  }

  /** @returns null when the order was not wanted any more */
  order(kind: 'apply' | 'undo', order: () => Order | null): Promise<Outcome | null> {
    return new Promise((settle) => this.#add({ kind, order, settle }));
  }

  /** @returns null when the actuator does not answer in time */
  ask<T>(question: (actuator: Actuator) => Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const run = async (): Promise<void> => resolve(await this.#timed(question(this.actuator)));
      this.#add({ kind: 'call', run });
    });
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve();
    while (this.#jobs.length > 0) {
      const first = this.#jobs[0]!;
      if (first.kind === 'call') {
        this.#jobs.shift();
        await first.run();
      } else {
        await this.#batch(first.kind);
      }
    }
    this.#isRunning = false;
  }

  async #batch(kind: 'apply' | 'undo'): Promise<void> {
    let end = this.#jobs.findIndex((job) => job.kind !== kind);
    if (end < 0) end = this.#jobs.length;
    const jobs = this.#jobs.splice(0, Math.min(end, MOST_ORDERS));
    const orders: Order[] = [];
    const settles: ((outcome: Outcome | null) => void)[] = [];
    for (const job of jobs) {
      if (job.kind === 'call') continue;
      const order = job.order();
      if (order === null) {
        job.settle(null);
        continue;
      }
      orders.push(order);
      settles.push(job.settle);
    }
    if (orders.length === 0) return;
    const outcomes = await this.#timed(this.actuator[kind](orders));
    settles.forEach((settle, i) => settle(outcomes?.[i] ?? this.#silence));
  }

  get #silence(): Outcome {
    const reason = `${this.actuator.name} does not answer: see what it waits for.`;
    return { ok: false, reason, retry: true };
  }

  async #timed<T>(call: Promise<T>): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.#callMs);
    });
    try {
      return await Promise.race([call, late]);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}
