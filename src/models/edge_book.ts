import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** A service of a peer that a host uses, or one of its own that a peer uses. */
export interface Edge {
  readonly key: number;
  /** Address of the other end. */
  readonly peer: string;
  /** IP protocol. */
  readonly protocol: number;
  /** Of the responder; 0 where the protocol has none. */
  readonly port: number;
  /** The host is the one that is called. */
  readonly isServer: boolean;
  /** When it was first seen, microseconds. */
  readonly firstUs: number;
  bytes: number;
  flows: number;
  /** The tick that its flows were last counted in, and how many packets or connections there were. */
  tick: number;
  inTick: number;
}

/** What an edge is, before it is in a book. */
export type EdgeSpec = Pick<Edge, 'key' | 'peer' | 'protocol' | 'port' | 'isServer' | 'firstUs'>;

/**
 * The heaviest edges of a host. When full, the lightest gives way to the one that comes, which takes
 * over its counts (space-saving, Metwally 2005): what a book says of an edge is never too little, so
 * that the harm of a block is rather overstated than overlooked.
 */
export class EdgeBook {
  readonly #most: number;
  readonly #edges = new Map<number, Edge>();
  /** Of all edges, those that gave way included. */
  bytes = 0;
  flows = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#edges.size;
  }

  all(): Iterable<Edge> {
    return this.#edges.values();
  }

  find(key: number): Edge | undefined {
    return this.#edges.get(key);
  }

  add(spec: EdgeSpec, bytes: number, flows: number): Edge {
    const edge = this.#edges.get(spec.key) ?? this.#admit(spec);
    edge.bytes += bytes;
    edge.flows += flows;
    this.bytes += bytes;
    this.flows += flows;
    return edge;
  }

  /** Makes all that it knows count less. */
  decay(factor: number): void {
    this.bytes *= factor;
    this.flows *= factor;
    for (const edge of this.#edges.values()) {
      edge.bytes *= factor;
      edge.flows *= factor;
    }
  }

  clear(): void {
    this.#edges.clear();
    this.bytes = 0;
    this.flows = 0;
  }

  save(out: StateWriter): void {
    out.f64s([this.bytes, this.flows]);
    out.u32(this.#edges.size);
    for (const { key, peer, protocol, port, isServer, firstUs, bytes, flows } of this.all()) {
      out.f64(key);
      out.text(peer);
      out.u8(protocol);
      out.u32(port);
      out.flag(isServer);
      out.f64s([firstUs, bytes, flows]);
    }
  }

  /** REQUIRES: it is empty. */
  restore(from: StateReader): void {
    const [bytes, flows] = [from.f64(), from.f64()];
    const n = from.count(this.#most);
    for (let i = 0; i < n; i++) {
      const spec = {
        key: from.natural(),
        peer: from.text(),
        protocol: from.u8(),
        port: from.u32(),
        isServer: from.flag(),
        firstUs: from.time(),
      };
      this.add(spec, from.f64(), from.f64());
    }
    this.bytes = bytes;
    this.flows = flows;
  }

  #admit(spec: EdgeSpec): Edge {
    const { key, peer, protocol, port, isServer, firstUs } = spec;
    const lightest = this.#edges.size < this.#most ? null : this.#lightest();
    if (lightest !== null) this.#edges.delete(lightest.key);
    const edge: Edge = {
      key,
      peer,
      protocol,
      port,
      isServer,
      firstUs,
      bytes: lightest?.bytes ?? 0,
      flows: lightest?.flows ?? 0,
      tick: -1,
      inTick: 0,
    };
    this.#edges.set(key, edge);
    return edge;
  }

  #lightest(): Edge {
    let lightest: Edge | null = null;
    for (const edge of this.#edges.values()) {
      if (lightest === null || edge.bytes < lightest.bytes) lightest = edge;
    }
    return lightest!;
  }
}
