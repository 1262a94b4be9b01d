import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from '../../../../src/domain/action.js';
import type { Actuator, Order, Outcome } from '../../../../src/response/actuators/actuator.js';

export interface FileActuatorOptions {
  readonly name?: string;
  readonly expiresByItself?: boolean;
  /** What comes of a call instead of doing it; null: it is done. */
  readonly fault?: (call: 'apply' | 'undo', order: Order) => Outcome | null;
}

/** Enforces by a file for each order: what it did outlives it, as with a real target. */
export class FileActuator implements Actuator {
  readonly name: string;
  readonly expiresByItself: boolean;
  readonly #folder: string;
  readonly #fault: NonNullable<FileActuatorOptions['fault']>;
  readonly calls: string[] = [];

  constructor(folder: string, options: FileActuatorOptions = {}) {
    this.#folder = folder;
    this.name = options.name ?? 'file';
    this.expiresByItself = options.expiresByItself ?? false;
    this.#fault = options.fault ?? (() => null);
    mkdirSync(folder, { recursive: true });
  }

  get enforced(): string[] {
    return readdirSync(this.#folder).sort();
  }

  handles(measure: Measure): boolean {
    return measure.kind !== 'observe' && measure.kind !== 'record';
  }

  plan(orders: readonly Order[]): string {
    return orders.map(({ id }) => `write ${id}`).join('\n');
  }

  apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each('apply', orders, (order) =>
      writeFileSync(join(this.#folder, order.id), `${order.ttlMs}`),
    );
  }

  undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#each('undo', orders, ({ id }) => rmSync(join(this.#folder, id), { force: true }));
  }

  verify(order: Order): Promise<boolean> {
    return Promise.resolve(this.enforced.includes(order.id));
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve(this.enforced);
  }

  panic(): Promise<Outcome> {
    this.calls.push('panic');
    for (const id of this.enforced) rmSync(join(this.#folder, id), { force: true });
    return Promise.resolve({ ok: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #each(
    call: 'apply' | 'undo',
    orders: readonly Order[],
    run: (order: Order) => void,
  ): Promise<readonly Outcome[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return orders.map((order) => {
      this.calls.push(`${call} ${order.id}`);
      const outcome = this.#fault(call, order);
      if (outcome === null || outcome.ok) run(order);
      return outcome ?? { ok: true };
    });
  }
}
