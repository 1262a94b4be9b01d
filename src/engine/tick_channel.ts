import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { TickDelta, TickExchange } from '../domain/tick_exchange.js';

/**
 * The tick exchange between worker threads: one message port per pair of shards, and a wait in
 * shared memory until the others have announced enough.
 *
 * Shared memory, one Int32 each:
 *   [i], i < shards   messages ever sent to shard i; its wake-up
 *   [shards]          1 when the run is being given up
 * A sender posts the message first, then adds to the receiver's number, then notifies it, so a
 * receiver that sees the number finds the message.
 */
export interface TickSeat {
  readonly shard: number;
  readonly shards: number;
  readonly signals: SharedArrayBuffer;
  /** Ports to the other shards, by shard; null at the own place. To be transferred with the seat. */
  readonly ports: readonly (MessagePort | null)[];
}

/** How long a wait lasts before the abort flag is looked at again, should a wake-up be lost. */
const LONGEST_WAIT_MS = 200;

/** Makes one seat for each shard. */
export function createTickSeats(shards: number): TickSeat[] {
  const signals = new SharedArrayBuffer((shards + 1) * Int32Array.BYTES_PER_ELEMENT);
  const ports = Array.from({ length: shards }, () => new Array<MessagePort | null>(shards));
  for (let a = 0; a < shards; a++) {
    ports[a]![a] = null;
    for (let b = a + 1; b < shards; b++) {
      const channel = new MessageChannel();
      ports[a]![b] = channel.port1;
      ports[b]![a] = channel.port2;
    }
  }
  return ports.map((own, shard) => ({ shard, shards, signals, ports: own }));
}

/** Thrown to a shard that waits at a tick when the run is given up elsewhere. */
export class TicksAborted extends Error {
  constructor() {
    super('The run was given up by another shard.');
    this.name = 'TicksAborted';
  }
}

/** Frees every shard that waits at a tick; its `collect` throws. May be called by any thread. */
export function abortTicks(signals: SharedArrayBuffer): void {
  const words = new Int32Array(signals);
  const aborted = words.length - 1;
  Atomics.store(words, aborted, 1);
  for (let i = 0; i < aborted; i++) {
    Atomics.add(words, i, 1);
    Atomics.notify(words, i);
  }
}

interface Announcement {
  readonly frontier: number;
  readonly deltas: readonly TickDelta[];
}

/** What one other shard has announced. */
interface Peer {
  readonly port: MessagePort;
  frontier: number;
  deltas: TickDelta[];
}

/** One shard's end of the exchange. `collect` blocks its thread, so it is for workers only. */
export class TickChannel implements TickExchange {
  readonly #shard: number;
  readonly #signals: Int32Array;
  readonly #peers: (Peer | null)[];

  constructor(seat: TickSeat) {
    this.#shard = seat.shard;
    this.#signals = new Int32Array(seat.signals);
    this.#peers = seat.ports.map((port) => port && { port, frontier: -Infinity, deltas: [] });
  }

  announce(frontier: number, deltas: readonly TickDelta[]): void {
    const announcement: Announcement = { frontier, deltas };
    this.#peers.forEach((peer, shard) => {
      if (peer === null) return;
      peer.port.postMessage(announcement);
      Atomics.add(this.#signals, shard, 1);
      Atomics.notify(this.#signals, shard);
    });
  }

  /** @throws TicksAborted when the run is given up meanwhile */
  collect(frontier: number): readonly TickDelta[] {
    return this.#peers.flatMap((peer) => (peer === null ? [] : this.#collectFrom(peer, frontier)));
  }

  close(): void {
    for (const peer of this.#peers) peer?.port.close();
  }

  #collectFrom(peer: Peer, frontier: number): TickDelta[] {
    while (peer.frontier < frontier) {
      const { frontier: reached, deltas } = this.#receive(peer.port);
      peer.frontier = reached;
      for (const delta of deltas) peer.deltas.push(delta);
    }
    const collected = peer.deltas;
    peer.deltas = [];
    return collected;
  }

  #receive(port: MessagePort): Announcement {
    const aborted = this.#peers.length;
    for (;;) {
      const seen = Atomics.load(this.#signals, this.#shard);
      const received = receiveMessageOnPort(port) as { message: Announcement } | undefined;
      if (received !== undefined) return received.message;
      if (Atomics.load(this.#signals, aborted) !== 0) throw new TicksAborted();
      Atomics.wait(this.#signals, this.#shard, seen, LONGEST_WAIT_MS);
    }
  }
}
