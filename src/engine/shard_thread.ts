import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import {
  SAVE,
  type Budget,
  type ShardMessage,
  type ShardReport,
  type ShardTask,
} from './shard_messages.js';

const WORKER_PATH = fileURLToPath(new URL('./shard_worker.js', import.meta.url));

/**
 * Little of what judging makes lives long. A quarter of V8's usual size costs no time that could be
 * measured, and a run of a mix of 4.4 M packets peaks 25 MB lower.
 */
const YOUNG_GENERATION_MB = 12;
/** A thread whose heap has grown beyond this is not used for another run. */
const KEPT_HEAP_BYTES = 64 << 20;

/**
 * The main thread's side of one shard: a pool of exactly one thread, so that a shard's state is
 * always in the same place.
 *
 * The thread is kept between runs, so that many small captures cost no start-up; after a run that
 * made its heap large it is replaced. V8 gives memory back late and lets a heap that was large grow
 * large again, so that each run would seem to need more than the one before.
 */
export class ShardThread {
  #pool = oneThread();
  #isGrown = false;
  #port: MessagePort | null = null;

  /** Judges one run. `onMessage` is called for all messages before the promise settles. */
  async run(
    task: Omit<ShardTask, 'port'>,
    onMessage: (message: ShardMessage) => void,
  ): Promise<ShardReport> {
    if (this.#isGrown) await this.#replace();
    const { port1: ours, port2: theirs } = new MessageChannel();
    const allReceived = new Promise<void>((resolve) => ours.once('close', resolve));
    ours.on('message', onMessage);
    this.#port = ours;
    const seatPorts = task.seat.ports.filter((port): port is MessagePort => port !== null);
    try {
      const report = (await this.#pool.run(
        { ...task, port: theirs },
        { transferList: [theirs, ...seatPorts] },
      )) as ShardReport;
      await allReceived;
      this.#isGrown = report.heapBytes > KEPT_HEAP_BYTES;
      return report;
    } finally {
      this.#port = null;
      ours.close();
    }
  }

  /** Changes what the run under way judges with; without one it has no effect. */
  send(budget: Budget): void {
    this.#port?.postMessage(budget);
  }

  /** Asks for the state of the run under way, which comes with a message. */
  askForState(): void {
    this.#port?.postMessage(SAVE);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #replace(): Promise<void> {
    await this.#pool.destroy();
    this.#pool = oneThread();
    this.#isGrown = false;
  }
}

function oneThread(): Piscina {
  return new Piscina({
    filename: WORKER_PATH,
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Infinity,
    concurrentTasksPerWorker: 1,
    // A task lasts a whole run: waking a worker by Atomics would only keep its thread from sleeping
    // in the event loop between runs.
    atomics: 'disabled',
    recordTiming: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}
