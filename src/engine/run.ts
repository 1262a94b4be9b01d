import type { RecordSink } from '../batch/record_sink.js';
import type { RunSummary } from '../domain/run.js';
import { ThymusError } from '../errors.js';
import { IncidentBook } from '../fusion/incident_book.js';
import type { EvidenceRequest, EvidenceResult, NativeOptions, NativeStats } from './addon_types.js';
import { discardRest, DRAIN_BUFFER_BYTES, NativeQueue } from './batch_source.js';
import { openRun, type NativeRun } from './binding.js';
import { IncidentStream } from './incident_stream.js';
import { Publisher } from './publisher.js';
import type { LiveMonitor, LiveStatus } from './live_monitor.js';
import { RunModel, type Learning } from './run_model.js';
import { progressOf, summaryOf, type RunProgress } from './run_stats.js';
import type {
  JudgeOptions,
  ShardCost,
  ShardFailure,
  ShardMessage,
  ShardReport,
} from './shard_messages.js';
import type { ShardThread } from './shard_thread.js';
import { abortTicks, createTickSeats, type TickSeat } from './tick_channel.js';

export interface RunOptions extends Learning {
  readonly native: NativeOptions;
  readonly judge: JudgeOptions;
  readonly sinks: readonly RecordSink[];
  readonly measureCost: boolean;
  /** Of a live run. */
  readonly monitor: LiveMonitor | null;
}

/** What a run cost: differs from run to run, so it goes to metrics and never to an output. */
export interface RunCost {
  readonly nativeCpuSeconds: number;
  readonly shards: readonly ShardCost[];
}

/** One run: some captures through the native core, the shards and the sinks. Used once. */
export class Run {
  readonly #options: RunOptions;
  readonly #native: NativeRun;
  readonly #incidents: IncidentStream;
  readonly #model: RunModel;
  readonly #seats: readonly TickSeat[];
  #interrupted = false;
  /** Not null when the native run is closed. */
  #finalStats: NativeStats | null = null;
  #failure: Failure | null = null;
  #cost: RunCost | null = null;
  #subscribers: Publisher['subscribers'] | null = null;
  #inventory: Publisher['inventory'] = null;
  #threads: readonly ShardThread[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
    this.#seats = createTickSeats(options.native.shards);
    const { shards } = options.native;
    const book = new IncidentBook(options.priors);
    const tellsGrowth = options.sinks.some((sink) => sink.wantsGrowth === true);
    this.#incidents = new IncidentStream(shards, book, tellsGrowth);
    this.#model = new RunModel(options, book, this.#incidents, shards);
    this.#model.useMemories(options.sinks.flatMap((sink) => sink.memory ?? []));
    this.#native = openRun(options.native);
  }

  readonly #firstPacketUs = (): number => this.#native.stats().firstPacketTimeUs;

  get progress(): RunProgress {
    return progressOf(this.#finalStats ?? this.#native.stats(), this.#incidents.opened);
  }

  /** For what a monitor says of the budget; the shards are told by their threads. */
  setBudget(falseIncidentsPerDayPer1000: number): void {
    this.#options.monitor?.setBudget(falseIncidentsPerDayPer1000);
  }

  saveEvidence(request: EvidenceRequest): Promise<EvidenceResult> {
    return this.#native.saveEvidence(request);
  }

  /** Null where no monitor watches over it. */
  get liveStatus(): LiveStatus | null {
    const stats = this.#finalStats ?? this.#native.stats();
    return this.#options.monitor?.status(stats, this.#incidents.opened) ?? null;
  }

  /** Known when the run is over. */
  get cost(): RunCost | null {
    return this.#cost;
  }

  /** Ends the input early; what was read is still judged and written. */
  stop(): void {
    if (this.#finalStats !== null) return;
    this.#interrupted = true;
    this.#native.stop();
  }

  /** Asks for what was learned so far: `onLearned` gets it when the shards have ended their ticks. */
  saveModel(): void {
    if (!this.#model.isIdle) return;
    for (const thread of this.#threads) thread.askForState();
  }

  /**
   * REQUIRES: one thread per shard, idle.
   * @throws ThymusError what failed first; every thread and sink has ended by then
   */
  async execute(threads: readonly ShardThread[]): Promise<RunSummary> {
    this.#threads = threads;
    const judged = Promise.all(threads.map((thread, shard) => this.#judge(thread, shard)));
    await this.#attempt(() => this.#publish());
    const reports = await judged;
    this.#finalStats = this.#native.stats();
    this.#native.close();
    const summary = this.#summarise(reports, this.#finalStats);
    if (this.#failure === null) await this.#attempt(() => this.#giveResults(summary));
    if (this.#failure === null && this.#options.onLearned !== null) {
      await this.#attempt(() => this.#model.give(summary));
    }
    for (const sink of this.#options.sinks) await this.#attempt(() => sink.end());
    const failure = this.#failure;
    if (failure !== null) throw failure.error;
    return summary;
  }

  async #judge(thread: ShardThread, shard: number): Promise<ShardReport | null> {
    const { native, judge, measureCost, monitor } = this.#options;
    const isLive = monitor !== null;
    const { handle } = this.#native;
    const { lanes, shards } = native;
    const { model, onLearned } = this.#options;
    const seat = this.#seats[shard]!;
    const keepsModel = onLearned !== null;
    const task = {
      handle,
      shard,
      shards,
      lanes,
      judge,
      seat,
      measureCost,
      isLive,
      model,
      keepsModel,
    };
    try {
      const report = await thread.run(task, (message) => this.#hear(shard, message));
      if (report.failure !== null) this.#fail(asError(report.failure), report.failure.isEcho);
      return report;
    } catch (error) {
      this.#fail(error);
      return null;
    } finally {
      this.#incidents.end(shard);
    }
  }

  #hear(shard: number, message: ShardMessage): void {
    try {
      this.#take(shard, message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(shard: number, message: ShardMessage): void {
    const { watermark, state } = message;
    const alarms =
      this.#options.monitor?.onMessage(shard, message, () => this.#native.stats()) ??
      message.alarms;
    this.#model.begin(this.#firstPacketUs);
    const isEnd = watermark.timeUs === Infinity;
    if (isEnd && state !== null) this.#incidents.endLearning(state.untilUs);
    this.#incidents.advance(shard, alarms, watermark);
    if (state === null || !this.#model.take(shard, state) || isEnd) return;
    const outcome = { entities: 0, interrupted: false, counters: [] };
    this.#model.give(summaryOf(this.#native.stats(), outcome));
  }

  /** Records and incidents, to the sinks. */
  async #publish(): Promise<void> {
    const { native, sinks, monitor } = this.#options;
    const queue = native.publish ? new NativeQueue(this.#native, native.shards) : null;
    try {
      const all = monitor === null ? sinks : [...sinks, monitor.sink];
      const options = { source: queue, isLive: monitor !== null };
      const publisher = new Publisher(options, this.#incidents, all);
      this.#model.use(publisher.inventory);
      await publisher.run(() => this.#model.begin(this.#firstPacketUs));
      this.#subscribers = publisher.subscribers;
      this.#inventory = publisher.inventory;
    } catch (error) {
      this.#native.stop();
      if (queue !== null) await discardRest(queue, new Uint8Array(DRAIN_BUFFER_BYTES));
      throw error;
    }
  }

  async #giveResults(summary: RunSummary): Promise<void> {
    const { sinks } = this.#options;
    for (const incident of this.#incidents.finish()) {
      for (const sink of sinks) sink.onIncident(incident, 'final');
      for (const sink of sinks) await sink.pressure();
    }
    const devices = this.#inventory?.records() ?? [];
    for (const sink of sinks) if (sink.wantsDevices === true) sink.onDevices?.(devices);
    for (const source of summary.sources) {
      if (source.error === null) continue;
      for (const sink of sinks) sink.onCaptureError(source, summary.lastPacketUs);
    }
    for (const sink of sinks) sink.onSummary(summary);
  }

  #summarise(reports: readonly (ShardReport | null)[], stats: NativeStats): RunSummary {
    const entities = reports.reduce((sum, report) => sum + (report?.entities ?? 0), 0);
    this.#cost = {
      nativeCpuSeconds: stats.nativeCpuNs / 1e9,
      shards: reports.flatMap((report) => report?.cost ?? []),
    };
    return summaryOf(stats, {
      entities,
      interrupted: this.#interrupted,
      counters: [...sessionCounters(this.#subscribers), ...deviceCounters(this.#inventory)],
    });
  }

  async #attempt(step: () => Promise<void> | void): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Keeps the first failure that is no echo of another, and lets everything come to its end. */
  #fail(error: unknown, isEcho = false): void {
    if (this.#failure === null || (this.#failure.isEcho && !isEcho)) {
      this.#failure = { error, isEcho };
    }
    if (this.#finalStats === null) this.#native.stop();
    abortTicks(this.#seats[0]!.signals);
  }
}

/** Those of the sessions of subscribers; none where there were no sessions. */
function sessionCounters(seen: Publisher['subscribers'] | null): [string, number][] {
  if (seen === null || seen.sessions === 0) return [];
  return [
    ['subscriber_sessions', seen.sessions],
    ['subscriber_session_evictions', seen.sessionEvictions],
    ['subscriber_session_refusals', seen.refusals],
    ['subscriber_flows', seen.joined],
  ];
}

function deviceCounters(inventory: Publisher['inventory']): [string, number][] {
  if (inventory === null) return [];
  const { devices, evictions } = inventory.stats;
  return [
    ['devices', devices],
    ['device_evictions', evictions],
  ];
}

interface Failure {
  readonly error: unknown;
  readonly isEcho: boolean;
}

function asError(failure: ShardFailure): ThymusError {
  const error = new ThymusError(failure.code, failure.message);
  error.stack = failure.stack;
  return error;
}
