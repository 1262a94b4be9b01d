import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { ShardMessage, ShardReport, ShardTask } from './shard_messages.js';

const WORKER_PATH = fileURLToPath(new URL('./shard_worker.js', import.meta.url));

/**
 * The main thread's side of one shard: a pool of exactly one thread, so that a shard's state is
 * always in the same place. The thread is kept between runs.
 */
export class ShardThread {
  readonly #pool = new Piscina({
    filename: WORKER_PATH,
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: 1,
    // A task lasts a whole run: waking a worker by Atomics would only keep its thread from sleeping
    // in the event loop between runs.
    atomics: 'disabled',
    recordTiming: false,
  });

  /** Judges one run. `onMessage` is called for all messages before the promise settles. */
  async run(
    task: Omit<ShardTask, 'port'>,
    onMessage: (message: ShardMessage) => void,
  ): Promise<ShardReport> {
    const { port1: ours, port2: theirs } = new MessageChannel();
    const allReceived = new Promise<void>((resolve) => ours.once('close', resolve));
    ours.on('message', onMessage);
    const seatPorts = task.seat.ports.filter((port): port is MessagePort => port !== null);
    try {
      const report = (await this.#pool.run(
        { ...task, port: theirs },
        { transferList: [theirs, ...seatPorts] },
      )) as ShardReport;
      await allReceived;
      return report;
    } finally {
      ours.close();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
