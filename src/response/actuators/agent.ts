import type { Measure } from '../../domain/action.js';
import type { Actuator, Order, Outcome } from './actuator.js';
import { NFT_KINDS } from './nft_elements.js';
import { requestText } from './order_json.js';

/** An agent on another machine, as it is spoken to. Nothing throws. */
export interface AgentLink {
  /** Where it is, for a person. */
  readonly place: string;

  apply(orders: readonly Order[]): Promise<readonly Outcome[]>;
  undo(orders: readonly Order[]): Promise<readonly Outcome[]>;
  verify(order: Order): Promise<boolean | null>;
  list(): Promise<readonly string[] | null>;
  panic(): Promise<Outcome>;

  /** Calls back each time that it can be reached again, and the first time. */
  onReturn(listener: () => void): void;

  close(): Promise<void>;
}

export interface AgentSettings {
  /** Tells several agents apart. */
  readonly name: string;
  readonly link: AgentLink;
  /** Kinds of measures that it is asked for; null: all that it can. */
  readonly kinds: readonly string[] | null;
}

/** Has a `thymus agent` on another machine, such as a gateway, drop packets there. */
export class Agent implements Actuator {
  readonly name: string;
  // The packet filter there counts the time of each order by itself, and so does the agent.
  readonly expiresByItself = true;
  readonly #link: AgentLink;
  readonly #kinds: readonly string[] | null;

  constructor({ name, link, kinds }: AgentSettings) {
    this.name = `agent-${name}`;
    this.#link = link;
    this.#kinds = kinds;
  }

  handles(measure: Measure): boolean {
    return NFT_KINDS.has(measure.kind) && (this.#kinds?.includes(measure.kind) ?? true);
  }

  plan(orders: readonly Order[]): string {
    return `${this.#link.place} ${requestText('apply', orders)}`;
  }

  apply(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#link.apply(orders);
  }

  undo(orders: readonly Order[]): Promise<readonly Outcome[]> {
    return this.#link.undo(orders);
  }

  verify(order: Order): Promise<boolean | null> {
    return this.#link.verify(order);
  }

  list(): Promise<readonly string[] | null> {
    return this.#link.list();
  }

  panic(): Promise<Outcome> {
    return this.#link.panic();
  }

  onReturn(listener: () => void): void {
    this.#link.onReturn(listener);
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}
