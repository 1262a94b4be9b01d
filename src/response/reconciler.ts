import type { ActuatorQueue } from './actuator_queue.js';
import type { ActionBook } from './action_book.js';
import type { Enforcement } from './enforcement.js';

/** Sentences that are kept. */
const MOST_DIFFERENCES = 64;

/** Compares what actuators enforce with what the book says, and brings it into line. */
export class Reconciler {
  readonly #book: ActionBook;
  readonly #enforcement: Enforcement;
  #differences: string[] = [];

  constructor(book: ActionBook, enforcement: Enforcement) {
    this.#book = book;
    this.#enforcement = enforcement;
  }

  /** One sentence for each that was found last. */
  get differences(): readonly string[] {
    return this.#differences;
  }

  /** From now on compares with a target that can be asked again. */
  follow(): void {
    for (const queue of this.#enforcement.queues.values()) {
      queue.actuator.onReturn?.(() => void this.#compare(queue));
    }
  }

  async run(): Promise<void> {
    this.#differences = [];
    await Promise.all([...this.#enforcement.queues.values()].map((queue) => this.#compare(queue)));
  }

  async #compare(queue: ActuatorQueue): Promise<void> {
    const { name } = queue.actuator;
    const ids = await queue.ask((actuator) => actuator.list());
    if (ids === null) return;
    const there = new Set(ids);
    const expected = new Map(this.#expected(name));
    const orphans = ids.filter((id) => !expected.has(id));
    const known = orphans.filter((id) => this.#book.get(id) !== undefined);
    const isClean = known.length === orphans.length;
    if (orphans.length > 0) {
      this.#report(`${name} enforced ${orphans.length} that should be gone: ${some(orphans)}.`);
    }
    if (isClean) {
      await Promise.all(
        known.map((id) => queue.order('undo', () => this.#enforcement.orderOf(id))),
      );
    } else {
      // Nothing is known of how to undo these one by one.
      await queue.ask((actuator) => actuator.panic());
    }
    const missing = [...expected].filter((one) => isApplied(one) && !there.has(one[0]));
    if (missing.length > 0) {
      const lost = missing.map(([id]) => id);
      this.#report(`${name} did not enforce ${lost.length} that it should: ${some(lost)}.`);
    }
    // Asked anew, since a panic took away what was applied in the meantime, too.
    const again = isClean ? missing : [...this.#expected(name)].filter(isApplied);
    await Promise.all(again.map(([id]) => this.#enforcement.apply(id, name)));
  }

  *#expected(name: string): Iterable<[id: string, state: string]> {
    for (const { record } of this.#book.all) {
      const holder = record.holders.find(({ actuator }) => actuator === name);
      if (holder !== undefined && holder.state !== 'undone') yield [record.id, holder.state];
    }
  }

  #report(text: string): void {
    this.#book.note({ kind: 'difference', text });
    if (this.#differences.length < MOST_DIFFERENCES) this.#differences.push(text);
  }
}

const isApplied = ([, state]: readonly [string, string]): boolean => state === 'applied';

function some(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
}
