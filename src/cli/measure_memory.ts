import type { ActionList } from '../api/responder_client.js';
import { isOpenState } from '../domain/action_record.js';
import type { MeasureStatus } from '../domain/decision.js';

/** Measures whose state is remembered for decisions. */
const MOST_REMEMBERED = 4096;

/** What was proposed, and where it stands by what the responder said last. */
export class MeasureMemory {
  readonly #measures = new Map<string, MeasureStatus>();
  /** Proposals of which something was heard by the present connection. */
  readonly #heard = new Set<string>();
  #all: readonly MeasureStatus[] | null = [];

  /** Those heard of last come last. */
  get all(): readonly MeasureStatus[] {
    this.#all ??= [...this.#measures.values()];
    return this.#all;
  }

  hear(status: MeasureStatus): void {
    this.#heard.add(status.proposal);
    this.#keep(status);
  }

  /** A connection begins: what went before it may have been missed. */
  hearAnew(): void {
    this.#heard.clear();
  }

  /** What this connection has said of a measure is newer than any list that it was asked for. */
  catchUp({ actions, leftOut }: ActionList): void {
    // The last one of a name comes first.
    const states = new Map(actions.toReversed().map((one) => [one.proposal.id, one.state]));
    const isAllOpenListed = leftOut === 0 || actions.some(({ state }) => !isOpenState(state));
    for (const status of [...this.#measures.values()]) {
      if (this.#heard.has(status.proposal)) continue;
      const state = states.get(status.proposal);
      if (state !== undefined) this.#keep({ ...status, state });
      // It ended so long ago that it is forgotten, or in a journal that is no more.
      else if (isAllOpenListed && isOpenState(status.state)) {
        this.#keep({ ...status, state: 'expired' });
      }
    }
  }

  #keep(status: MeasureStatus): void {
    this.#all = null;
    this.#measures.delete(status.proposal);
    this.#measures.set(status.proposal, status);
    if (this.#measures.size <= MOST_REMEMBERED) return;
    const oldest = this.#measures.keys().next().value!;
    this.#measures.delete(oldest);
    this.#heard.delete(oldest);
  }
}
