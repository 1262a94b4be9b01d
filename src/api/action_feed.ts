import { setTimeout as startTimer } from 'node:timers';

import { ThymusError } from '../errors.js';
import type { ActionNews } from './action_message.js';
import { ResponderClient } from './responder_client.js';

/** Between two tries to reach a responder. */
const AGAIN_MS = 500;
/** Actions of which it is known what was told last. */
const MOST_KNOWN = 4096;

export interface ActionFeedOptions {
  /** Socket of the responder. */
  readonly path: string;
  /** Called with each state of an action once, as long as it is among the newest that are known. */
  readonly onAction: (action: ActionNews) => void;
}

/**
 * Listens to the responder, over its restarts, and passes on what people ask of it. What changed
 * while it could not be reached is told when it is there again.
 */
export class ActionFeed {
  readonly #options: ActionFeedOptions;
  readonly #known = new Map<string, string>();
  #client: ResponderClient | null = null;
  #isClosed = false;

  constructor(options: ActionFeedOptions) {
    this.#options = options;
    void this.#keepConnected();
  }

  /** @throws ThymusError RESPONDER_ABSENT */
  get responder(): ResponderClient {
    if (this.#client !== null) return this.#client;
    const message =
      "Nobody answers incidents here: start 'thymus respond', or watch with --respond.";
    throw new ThymusError('RESPONDER_ABSENT', message);
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
  }

  async #keepConnected(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#listen();
      } catch (error) {
        if (!(error instanceof ThymusError)) throw error;
      }
      await new Promise((resolve) => startTimer(resolve, AGAIN_MS).unref());
    }
  }

  /** Settles when the connection is over. */
  async #listen(): Promise<void> {
    const { path } = this.#options;
    const onChange = (action: ActionNews): void => this.#tell(action);
    const client = await ResponderClient.connect({ path, role: 'watcher', onChange });
    try {
      const { actions } = await client.list(true);
      // The oldest first, as they would have been told.
      for (const action of actions.toSorted((a, b) => a.sinceMs - b.sinceMs)) this.#tell(action);
      if (this.#isClosed) return;
      this.#client = client;
      await client.closed;
    } finally {
      this.#client = null;
      client.close();
    }
  }

  #tell(action: ActionNews): void {
    const { id, state, reason, sinceMs, votes, holders } = action;
    const now = JSON.stringify([state, reason, sinceMs, votes, holders]);
    if (this.#known.get(id) === now) return;
    this.#known.delete(id);
    this.#known.set(id, now);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    this.#options.onAction(action);
  }
}
