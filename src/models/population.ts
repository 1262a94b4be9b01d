import type { TickDelta } from '../domain/tick_exchange.js';
import { CONTACT_GROUPS, ContactPool } from './contact_pool.js';
import { EdgePool } from './edge_pool.js';

/** First sights and surprises that one shard contributes in a tick, at most; more are counted. */
const SIGHTS_PER_TICK_MOST = 16_384;

/**
 * What many entities do together, as one shard knows it: contributions of a tick become visible when
 * the tick is over and all shards have given theirs (domain/tick_exchange.ts).
 *
 * Contributions are sums and multisets, and each tick's are put together before they are learned, so
 * the pools are the same whatever entity was in which shard.
 */
export class Population {
  readonly contacts = new ContactPool();
  readonly edges = new EdgePool();
  /** First sights that were not contributed because a tick had too many. */
  droppedSights = 0;
  readonly #contacts = new Float64Array(2 * CONTACT_GROUPS);
  #hasContacts = false;
  #edges: { edge: number; port: number }[] = [];
  #surprises: number[] = [];
  #waiting: TickDelta[] = [];

  /** A first contact of an entity in good standing came out. */
  contributeContact(group: number, answered: boolean): void {
    this.#contacts[2 * group + (answered ? 0 : 1)]!++;
    this.#hasContacts = true;
  }

  /** A device saw an edge for the first time; `surprise` null where it should not be learned. */
  contributeSight(edge: number, port: number, surprise: number | null): void {
    if (this.#edges.length >= SIGHTS_PER_TICK_MOST) {
      this.droppedSights++;
      return;
    }
    this.#edges.push({ edge, port });
    if (surprise !== null) this.#surprises.push(surprise);
  }

  /** Ends the tick for this shard. Returns what it contributed, or null for nothing. */
  seal(tick: number): TickDelta | null {
    if (!this.#hasContacts && this.#edges.length === 0) return null;
    const edges = this.#edges.sort((a, b) => a.edge - b.edge);
    const delta: TickDelta = {
      tick,
      contacts: this.#contacts.slice(),
      edges: Float64Array.from(edges, (e) => e.edge),
      edgePorts: Uint16Array.from(edges, (e) => e.port),
      surprises: Float64Array.from(this.#surprises).sort(),
    };
    this.#contacts.fill(0);
    this.#hasContacts = false;
    this.#edges = [];
    this.#surprises = [];
    this.#waiting.push(delta);
    return delta;
  }

  /** Takes what other shards contributed; it stays invisible until `reach`. */
  receive(deltas: readonly TickDelta[]): void {
    this.#waiting.push(...deltas);
  }

  /** Makes the contributions to all ticks before `tick` visible. */
  reach(tick: number): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((delta) => delta.tick < tick).sort((a, b) => a.tick - b.tick);
    this.#waiting = this.#waiting.filter((delta) => delta.tick >= tick);
    for (let first = 0; first < due.length;) {
      let end = first + 1;
      while (end < due.length && due[end]!.tick === due[first]!.tick) end++;
      this.#learn(due.slice(first, end));
      first = end;
    }
  }

  #learn(deltas: readonly TickDelta[]): void {
    const contacts = new Float64Array(2 * CONTACT_GROUPS);
    for (const delta of deltas) delta.contacts.forEach((n, i) => (contacts[i]! += n));
    this.contacts.learn(deltas[0]!.tick, contacts);
    const edges = deltas
      .flatMap((delta) =>
        Array.from(delta.edges, (edge, i) => ({ edge, port: delta.edgePorts[i]! })),
      )
      .sort((a, b) => a.edge - b.edge);
    this.edges.learn(
      Float64Array.from(edges, (e) => e.edge),
      Uint16Array.from(edges, (e) => e.port),
      Float64Array.from(deltas.flatMap((delta) => [...delta.surprises])).sort(),
    );
  }
}
