import type { LearnedState } from '../../src/domain/learned_state.js';
import type { ListedCapture } from './data_set.js';
import { runEngine } from './engine_run.js';

/**
 * What thymus knows when a capture begins: the other benign captures of the same split, one after the
 * other, as if they were of an earlier week. A capture that an attack was laid over is no history of
 * it. Learning is not judging: alarms of a history go with its wealth.
 */
export class Histories {
  readonly #benign: readonly ListedCapture[];
  /** By the names of the captures that were learned from. */
  readonly #learned = new Map<string, LearnedState>();

  constructor(captures: readonly ListedCapture[]) {
    this.#benign = captures.filter(({ isBenign }) => isBenign);
  }

  /** Null where there is nothing to learn from. */
  async before({ name, base, split }: ListedCapture): Promise<LearnedState | null> {
    const others = this.#benign.filter((benign) => {
      return benign.split === split && benign.name !== name && benign.name !== base;
    });
    let history: LearnedState | null = null;
    let names = '';
    for (const other of others) {
      names += `${other.name} `;
      const known = this.#learned.get(names);
      history = known ?? (await runEngine(other.path, { history, keepsState: true })).learned!;
      this.#learned.set(names, history);
    }
    return history;
  }
}
