import { getHeapStatistics } from 'node:v8';
import { BatchView } from '../batch/batch_view.js';
import type { Alarm } from '../domain/incident.js';
import { shiftFor } from '../domain/learned_state.js';
import { ThymusError } from '../errors.js';
import type { Order } from '../domain/order.js';
import { RUN_END, RUN_START } from './alarm_merger.js';
import {
  discardRest,
  DRAIN_BUFFER_BYTES,
  NativeQueue,
  nextTurn,
  type BatchSource,
} from './batch_source.js';
import { attachRun } from './binding.js';
import { CostMeter } from './cost_meter.js';
import {
  SAVE,
  type Budget,
  type ShardCost,
  type ShardFailure,
  type ShardMessage,
  type ShardReport,
  type ShardStatus,
  type ShardTask,
} from './shard_messages.js';
import { ShardPipeline } from './shard_pipeline.js';
import type { ShardState } from './shard_state.js';
import { abortTicks, TickChannel, TicksAborted } from './tick_channel.js';
import { wallClockUs } from './wall_clock.js';

/** How long one wait for a batch lasts; a stop is noticed at once, since `drain` then returns. */
const WAIT_MS = 50;
/** How often a live shard says where it stands. */
const STATUS_MS = 1000;
/** Rounds between two turns of the event loop while batches keep coming. */
const ROUNDS_PER_TURN = 32;

/** Owned by this thread and used again by every run. */
const buffer = new Uint8Array(DRAIN_BUFFER_BYTES);

/** The task of a shard's worker thread: judges one run from its first batch to its last. */
export default async function runShard(task: ShardTask): Promise<ShardReport> {
  const run = attachRun(task.handle, task.shards);
  const source = new NativeQueue(run, task.shard);
  const shard = new Shard(task, task.measureCost ? await CostMeter.create() : null, () => {
    return run.stats().firstPacketTimeUs;
  });
  let failure: ShardFailure | null = null;
  try {
    await shard.judge(source);
  } catch (error) {
    failure = describe(error);
    run.stop();
    abortTicks(task.seat.signals);
    await discardRest(source, buffer);
  }
  task.port.close();
  return shard.report(failure);
}

/** One run of one shard. */
class Shard {
  readonly #task: ShardTask;
  readonly #meter: CostMeter | null;
  readonly #exchange: TickChannel;
  readonly #pipeline: ShardPipeline;
  readonly #view = new BatchView(buffer);
  #alarms: Alarm[] = [];
  #lagsUs: number[] = [];
  #statusMs = 0;
  /** How far this shard has judged, and how far it has told the main thread. */
  #watermark = RUN_START;
  #told = RUN_START;
  readonly #firstPacketUs: () => number;
  #isRestored = false;

  /** @param firstPacketUs known when there is a batch */
  constructor(task: ShardTask, meter: CostMeter | null, firstPacketUs: () => number) {
    this.#task = task;
    this.#meter = meter;
    this.#firstPacketUs = firstPacketUs;
    this.#exchange = new TickChannel(task.seat);
    const { shard, shards, judge, keepsModel: keepsState } = task;
    const exchange = this.#exchange;
    const sink = { alarm: (alarm: Alarm) => void this.#alarms.push(alarm) };
    this.#pipeline = new ShardPipeline({ shard, shards, exchange, keepsState, ...judge }, sink);
  }

  async judge(source: BatchSource): Promise<void> {
    this.#task.port.on('message', (message: typeof SAVE | Budget) => {
      if (message === SAVE) this.#pipeline.atTickEnd(() => this.#tellState(this.#pipeline.save()));
      else this.#pipeline.setBudget(message.falseIncidentsPerDayPer1000);
    });
    for (let round = 1; ; round++) {
      // What is known is told before a wait, and not with every batch while they keep coming.
      const isTurn = round % ROUNDS_PER_TURN === 0;
      let bytes = isTurn ? 0 : source.read(buffer, 0);
      if (bytes === 0) {
        this.#tell(this.#watermark);
        await nextTurn();
        bytes = source.read(buffer, WAIT_MS);
      }
      if (bytes < 0) break;
      if (bytes > 0) this.#process(bytes);
    }
    this.#restore();
    this.#pipeline.finish();
    this.#told = RUN_END;
    this.#tellState(this.#task.keepsModel ? this.#pipeline.finalState() : null);
    this.#exchange.close();
  }

  report(failure: ShardFailure | null): ShardReport {
    return {
      entities: this.#pipeline.stats.entities,
      cost: this.#cost(),
      heapBytes: heapBytes(),
      failure,
    };
  }

  /** Before the first record, when it is known what time it is. */
  #restore(): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const { model } = this.#task;
    if (model !== null) this.#pipeline.restore(model, shiftFor(model, this.#firstPacketUs()));
  }

  #process(bytes: number): void {
    this.#restore();
    this.#meter?.begin();
    const { header } = this.#view;
    let records = 0;
    for (let offset = 0; offset < bytes;) {
      offset = this.#view.open(offset, bytes);
      records += header.nRows + header.nEvents;
      this.#pipeline.process(this.#view);
      if (this.#task.isLive) this.#noteLag(this.#pipeline.oldestUs);
    }
    this.#meter?.end(records);
    // The last batch says that no record comes after it; what the run's end says does.
    if (header.watermarkUs === Infinity) return;
    this.#watermark = { timeUs: header.watermarkUs, index: header.watermarkIndex, sub: 0 };
  }

  #tell(watermark: Order): void {
    if (watermark === this.#told && this.#alarms.length === 0) return;
    this.#told = watermark;
    this.#tellState(null);
  }

  /** With the alarms that came before it. */
  #tellState(state: ShardState | null): void {
    const message: ShardMessage = {
      alarms: this.#alarms,
      watermark: this.#told,
      lagsUs: this.#lagsUs,
      status: this.#task.isLive ? this.#statusIfDue() : null,
      state,
    };
    this.#task.port.postMessage(message);
    this.#alarms = [];
    this.#lagsUs = [];
  }

  #noteLag(oldestUs: number): void {
    if (!Number.isNaN(oldestUs)) this.#lagsUs.push(wallClockUs() - oldestUs);
  }

  #statusIfDue(): ShardStatus | null {
    const nowMs = performance.now();
    if (nowMs - this.#statusMs < STATUS_MS) return null;
    this.#statusMs = nowMs;
    return { ...this.#pipeline.stats, cost: this.#cost(), heapBytes: heapBytes() };
  }

  #cost(): ShardCost | null {
    return this.#meter?.result() ?? null;
  }
}

/** What this thread's heap takes from the system. */
const heapBytes = (): number => getHeapStatistics().total_heap_size;

function describe(error: unknown): ShardFailure {
  const known = error instanceof ThymusError;
  return {
    code: known ? error.code : 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? (error.stack ?? '') : '',
    isEcho: error instanceof TicksAborted,
  };
}
