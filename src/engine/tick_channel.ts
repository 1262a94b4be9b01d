import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { ThymusError } from '../errors.js';

/**
 * How shards pass each other what they contribute to views over many entities: one message per
 * pair of shards and tick, and a wait until those of all others are there.
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
  /** Ports to the other shards, by shard; null at the own place. */
  readonly ports: readonly (MessagePort | null)[];
}

interface Parcel {
  readonly tick: number;
  /** Null from a shard that has ended: it contributes nothing any more. */
  readonly delta: unknown;
}

/** How long a wait lasts before the abort flag is looked at again, should a wake-up be lost. */
const LONGEST_WAIT_MS = 200;

/** Makes one seat for each shard. The ports of a seat must be transferred with it. */
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

/** Frees every shard that waits at a tick; their exchange throws. May be called by any thread. */
export function abortTicks(signals: SharedArrayBuffer): void {
  const words = new Int32Array(signals);
  const aborted = words.length - 1;
  Atomics.store(words, aborted, 1);
  for (let i = 0; i < aborted; i++) {
    Atomics.add(words, i, 1);
    Atomics.notify(words, i);
  }
}

/** One shard's end of the exchange. Blocks its thread, so it is for workers only. */
export class TickChannel {
  readonly #seat: TickSeat;
  readonly #signals: Int32Array;
  readonly #ended: boolean[];

  constructor(seat: TickSeat) {
    this.#seat = seat;
    this.#signals = new Int32Array(seat.signals);
    this.#ended = new Array<boolean>(seat.shards).fill(false);
  }

  /**
   * Gives the own contribution to a tick and waits for those of the other shards.
   * REQUIRES: every shard calls it for the same ticks, in the same order.
   * @returns the contributions in the order of the shards; null for a shard that has ended
   * @throws ThymusError INTERNAL when the run is given up, or the shards disagree about the tick
   */
  exchange(tick: number, delta: unknown): unknown[] {
    this.#send({ tick, delta });
    return this.#seat.ports.map((port, shard) => {
      if (port === null) return delta;
      return this.#ended[shard] ? null : this.#receive(port, shard, tick);
    });
  }

  /** Says that this shard has ended: the others no longer wait for it. */
  leave(): void {
    this.#send({ tick: Infinity, delta: null });
    for (const port of this.#seat.ports) port?.close();
  }

  #send(parcel: Parcel): void {
    this.#seat.ports.forEach((port, shard) => {
      if (port === null) return;
      port.postMessage(parcel);
      Atomics.add(this.#signals, shard, 1);
      Atomics.notify(this.#signals, shard);
    });
  }

  #receive(port: MessagePort, shard: number, tick: number): unknown {
    const parcel = this.#wait(port);
    if (parcel.tick === Infinity) {
      this.#ended[shard] = true;
      return null;
    }
    if (parcel.tick !== tick) {
      throw new ThymusError(
        'INTERNAL',
        `Shard ${this.#seat.shard} is at tick ${tick}, shard ${shard} at ${parcel.tick}.`,
      );
    }
    return parcel.delta;
  }

  #wait(port: MessagePort): Parcel {
    for (;;) {
      const seen = Atomics.load(this.#signals, this.#seat.shard);
      const received = receiveMessageOnPort(port) as { message: Parcel } | undefined;
      if (received !== undefined) return received.message;
      if (Atomics.load(this.#signals, this.#seat.shards) !== 0) {
        throw new ThymusError('INTERNAL', 'The run was given up by another shard.');
      }
      Atomics.wait(this.#signals, this.#seat.shard, seen, LONGEST_WAIT_MS);
    }
  }
}
