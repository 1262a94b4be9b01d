import type { RecordSink } from '../batch/record_sink.js';
import type { Settings } from '../config/settings.js';
import { NO_PRIORS } from '../domain/lane_priors.js';
import { judgedEvents } from '../detectors/index.js';
import type { RunSummary } from '../domain/run.js';
import { ThymusError } from '../errors.js';
import type { EvidenceRequest, EvidenceResult, LiveOptions, NativeOptions } from './addon_types.js';
import { LiveMonitor, type LiveStatus } from './live_monitor.js';
import { Run, type RunCost, type RunOptions } from './run.js';
import type { Learning } from './run_model.js';
import type { RunProgress } from './run_stats.js';
import { ShardThread } from './shard_thread.js';

export { extractEvidence, notifyService, preflight } from './binding.js';
export type {
  EvidenceRequest,
  EvidenceResult,
  Learning,
  LiveOptions,
  LiveStatus,
  RunCost,
  RunProgress,
};

const MIB = 1024 * 1024;

/**
 * The key of identities where nobody gives one: its hashes are the same everywhere, so that whoever
 * tries all identities finds them. An installation has one of its own (store/identity_key.ts).
 */
export const REPEATABLE_IDENTITY_KEY: Uint8Array = new Uint8Array(16);

/** What a pipeline is told by the settings; the key of identities stands for none. */
export function pipelineOptions(settings: Settings): PipelineOptions {
  return {
    lanes: settings.lanes,
    shards: settings.shards,
    pinned: settings.pin,
    homeNet: settings.homeNet,
    scanners: settings.scanners,
    strictChecksums: settings.checksums === 'strict',
    digests: settings.digests === 'files',
    clearIdentities: settings.identities === 'clear',
    identityKey: REPEATABLE_IDENTITY_KEY,
    hashKey: null,
    maxFlows: settings.maxFlows,
    queueBytes: settings.queueMib * MIB,
    memoryBytes: (settings.memory ?? 0) * MIB,
    falseIncidentsPerDayPer1000: settings.budget,
    measureCost: false,
  };
}

export interface PipelineOptions {
  /** Threads of the native core, 1 to 64. */
  readonly lanes: number;
  /** CPUs for the reader and the lanes, in this order and again from the first; empty: any. */
  readonly pinned: readonly number[];
  /** Worker threads that judge, 1 to 64. */
  readonly shards: number;
  /** What is internal, as address prefixes. */
  readonly homeNet: readonly string[];
  /** Hosts whose scans are nobody's business, as address prefixes. */
  readonly scanners: readonly string[];
  /** Keep packets with a bad checksum out of flows. */
  readonly strictChecksums: boolean;
  /** Let subscribers' identities leave the core in clear. */
  readonly clearIdentities: boolean;
  /** MD5, SHA-1 and SHA-256 of files. */
  readonly digests: boolean;
  /** The 16 bytes under which they are hashed otherwise. */
  readonly identityKey: Uint8Array;
  /**
   * 16 bytes that nobody outside knows, so that nobody can choose addresses that collide; null for
   * fixed ones, which give the same output every time.
   */
  readonly hashKey: Uint8Array | null;
  /** Flows kept at one time, per lane. */
  readonly maxFlows: number;
  /** Bytes that may wait in each queue. */
  readonly queueBytes: number;
  /** Bytes that the native core may keep in all; 0: no bound but those above. */
  readonly memoryBytes: number;
  /** The one threshold. */
  readonly falseIncidentsPerDayPer1000: number;
  /** Measure what judging costs; a little slower. */
  readonly measureCost: boolean;
}

const NO_LEARNING: Learning = { model: null, priors: NO_PRIORS, onLearned: null };

/**
 * Runs captures, one run after another, with worker threads that are kept in between. Several
 * pipelines may live in one process; each runs one thing at a time.
 */
export class Pipeline {
  #options: PipelineOptions;
  readonly #threads: ShardThread[] = [];
  #run: Run | null = null;
  #isStopped = false;
  #lastCost: RunCost | null = null;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Starts the worker threads; `run` does so when it was not called. */
  start(): void {
    while (this.#threads.length < this.#options.shards) this.#threads.push(new ShardThread());
  }

  /**
   * Reads captures as one stream in time order, judges them and gives the results to the sinks,
   * which are ended when it settles, however it settles.
   * @throws ThymusError USAGE for a wrong option, OUTPUT_FAILED when a sink fails, INTERNAL
   */
  run(
    sources: readonly string[],
    sinks: readonly RecordSink[],
    learning: Learning = NO_LEARNING,
  ): Promise<RunSummary> {
    this.#isStopped = false;
    return this.#execute(sources, sinks, { live: null, learning });
  }

  /** The same of interfaces, until `stop`. */
  watch(
    interfaces: readonly string[],
    sinks: readonly RecordSink[],
    how: { readonly live: LiveOptions; readonly learning?: Learning },
  ): Promise<RunSummary> {
    this.#isStopped = false;
    return this.#execute(interfaces, sinks, { learning: NO_LEARNING, ...how });
  }

  async #execute(
    sources: readonly string[],
    sinks: readonly RecordSink[],
    how: How,
  ): Promise<RunSummary> {
    const monitor = how.live === null ? null : await this.#monitor();
    if (this.#run !== null) throw new ThymusError('USAGE', 'This pipeline is already running.');
    try {
      this.#run = new Run(this.#runOptions(sources, sinks, how, monitor));
    } catch (error) {
      await Promise.allSettled(sinks.map((sink) => sink.end()));
      throw error;
    }
    if (this.#isStopped) this.#run.stop();
    this.start();
    try {
      return await this.#run.execute(this.#threads);
    } finally {
      this.#lastCost = this.#run.cost;
      this.#run = null;
    }
  }

  /** Ends the run that is under way early; its results are still given. Twice is harmless. */
  stop(): void {
    this.#isStopped = true;
    this.#run?.stop();
  }

  /** Changes the one threshold, also of a run under way. */
  setBudget(falseIncidentsPerDayPer1000: number): void {
    this.#options = { ...this.#options, falseIncidentsPerDayPer1000 };
    this.#run?.setBudget(falseIncidentsPerDayPer1000);
    for (const thread of this.#threads) thread.send({ falseIncidentsPerDayPer1000 });
  }

  /** Writes the capture of an incident out of the last frames of a live run; null without a run. */
  async saveEvidence(request: EvidenceRequest): Promise<EvidenceResult | null> {
    return (await this.#run?.saveEvidence(request)) ?? null;
  }

  /** Asks the run under way for what it has learned so far. */
  saveModel(): void {
    this.#run?.saveModel();
  }

  /** Where the run under way stands; null between runs. */
  get progress(): RunProgress | null {
    return this.#run?.progress ?? null;
  }

  /** The same in full, of a live run. */
  get liveStatus(): LiveStatus | null {
    return this.#run?.liveStatus ?? null;
  }

  /** What the last run cost. */
  get lastCost(): RunCost | null {
    return this.#lastCost;
  }

  /** Ends the worker threads. REQUIRES: no run under way. */
  async close(): Promise<void> {
    const threads = this.#threads.splice(0);
    await Promise.all(threads.map((thread) => thread.close()));
  }

  #runOptions(
    sources: readonly string[],
    sinks: readonly RecordSink[],
    { live, learning }: How,
    monitor: LiveMonitor | null,
  ): RunOptions {
    const { lanes, shards, pinned, homeNet, strictChecksums } = this.#options;
    const { digests, clearIdentities, identityKey, hashKey } = this.#options;
    const { maxFlows, queueBytes, memoryBytes } = this.#options;
    const publish = sinks.some(
      (sink) => sink.wantsFlows || sink.wantsEvents || sink.wantsDevices === true,
    );
    const native: NativeOptions = {
      sources,
      live,
      lanes,
      shards,
      pinned,
      homeNet,
      publish,
      ...judgedEvents(),
      strictChecksums,
      digests,
      clearIdentities,
      identityKey,
      hashKey,
      maxFlows,
      queueBytes,
      memoryBytes,
    };
    const { falseIncidentsPerDayPer1000, scanners, measureCost } = this.#options;
    const judge = { falseIncidentsPerDayPer1000, scanners };
    return {
      native,
      judge,
      sinks,
      measureCost: measureCost || live !== null,
      monitor,
      ...learning,
    };
  }

  #monitor(): Promise<LiveMonitor> {
    const { shards, lanes, maxFlows, falseIncidentsPerDayPer1000: budget } = this.#options;
    return LiveMonitor.create({ shards, budget, flowsMost: lanes * maxFlows });
  }
}

interface How {
  readonly live: LiveOptions | null;
  readonly learning: Learning;
}
