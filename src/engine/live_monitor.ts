import { COUNTERS } from '../batch/generated/names.js';
import { IncidentSink } from '../batch/incident_sink.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Alarm } from '../domain/incident.js';
import type { NativeStats } from './addon_types.js';
import { Latencies, type LatencyStage, type LatencySummary } from './latency.js';
import { LossMeter } from './loss_meter.js';
import { progressOf, type RunProgress } from './run_stats.js';
import type { ShardMessage, ShardStatus } from './shard_messages.js';
import { wallClockUs } from './wall_clock.js';

const US_PER_S = 1e6;
const US_PER_DAY = 86_400 * US_PER_S;
const DEVICES = 1000;

/** Where a live run stands: what `thymus stats` shows and the Prometheus endpoint serves. */
export interface LiveStatus {
  /** Seconds since the run began. */
  readonly uptime: number;
  /** True when every interface is open. */
  readonly isOpen: boolean;
  readonly progress: RunProgress;
  /** Every counter of the core, in the order of their list. */
  readonly counters: Readonly<Record<string, number>>;
  /** Seconds by which the records that were judged last are behind the clock. */
  readonly lag: number;
  /** Milliseconds. */
  readonly latency: Readonly<Record<LatencyStage, LatencySummary>>;
  /** Share of the traffic of the last minute that was not seen, 0 to 1. */
  readonly loss: number;
  readonly flowTable: Fill;
  readonly shards: readonly ShardStatus[];
  readonly budget: BudgetUse;
  readonly memory: MemoryUse;
  /** CPU seconds of the native threads, and of the whole process. */
  readonly cpu: { readonly native: number; readonly process: number };
}

export interface Fill {
  readonly used: number;
  readonly most: number;
}

export interface BudgetUse {
  /** False incidents per day per 1,000 devices. */
  readonly perDayPer1000: number;
  /** False incidents that the budget has allowed for the devices and days of this run. */
  readonly allowed: number;
  /** Incidents of all kinds that were opened. */
  readonly opened: number;
}

export interface MemoryUse {
  readonly residentBytes: number;
  readonly mainHeapBytes: number;
}

export interface LiveMonitorOptions {
  readonly shards: number;
  readonly budget: number;
  /** Flows that the tables of all lanes hold. */
  readonly flowsMost: number;
}

/** Watches over a live run: how fast it is, what it has used up. */
export class LiveMonitor {
  #options: LiveMonitorOptions;
  readonly #latencies: Latencies;
  readonly #startedUs = wallClockUs();
  readonly #shards: (ShardStatus | null)[];
  readonly #judgedUs: number[];
  readonly #loss = new LossMeter();
  #deviceDays = 0;
  #countedUs = this.#startedUs;

  private constructor(options: LiveMonitorOptions, latencies: Latencies) {
    this.#options = options;
    this.#latencies = latencies;
    this.#shards = new Array<ShardStatus | null>(options.shards).fill(null);
    this.#judgedUs = new Array<number>(options.shards).fill(NaN);
  }

  static async create(options: LiveMonitorOptions): Promise<LiveMonitor> {
    return new LiveMonitor(options, await Latencies.create());
  }

  setBudget(budget: number): void {
    this.#options = { ...this.#options, budget };
  }

  /**
   * Takes what a shard said.
   * @returns its alarms, with what was not seen before them
   */
  onMessage(shard: number, message: ShardMessage, stats: () => NativeStats): readonly Alarm[] {
    for (const us of message.lagsUs) this.#latencies.record('record', us);
    this.#judgedUs[shard] = message.watermark.timeUs;
    if (message.status !== null) {
      this.#countDevices();
      this.#shards[shard] = message.status;
    }
    const nowUs = wallClockUs();
    this.#loss.note(nowUs, stats);
    for (const alarm of message.alarms) {
      if (alarm.state === 'open') this.#latencies.record('evidence', nowUs - alarm.timeUs);
    }
    const loss = this.#loss.share;
    return loss === 0 ? message.alarms : message.alarms.map((alarm) => ({ ...alarm, loss }));
  }

  /** REQUIRES: the last of the sinks, so that the verdict was given when it hears of it. */
  get sink(): RecordSink {
    return new IncidentSink(({ openedUs }, change) => {
      if (change === 'opened') this.#latencies.record('verdict', wallClockUs() - openedUs);
    });
  }

  status(stats: NativeStats, opened: number): LiveStatus {
    this.#countDevices();
    const progress = progressOf(stats, opened);
    const nowUs = wallClockUs();
    const { budget, flowsMost } = this.#options;
    const { rss, heapTotal } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      uptime: (nowUs - this.#startedUs) / US_PER_S,
      isOpen: stats.sources.length > 0 && stats.sources.every(({ kind }) => kind === 'ok'),
      progress,
      counters: Object.fromEntries(COUNTERS.map(([name], i) => [name, stats.counters[i] ?? 0])),
      lag: this.#lagUs(nowUs) / US_PER_S,
      latency: this.#latencies.summary(),
      loss: this.#loss.share,
      flowTable: { used: progress.flowsActive, most: flowsMost },
      shards: this.#shards.filter((shard) => shard !== null),
      budget: { perDayPer1000: budget, allowed: (budget * this.#deviceDays) / DEVICES, opened },
      memory: { residentBytes: rss, mainHeapBytes: heapTotal },
      cpu: { native: stats.nativeCpuNs / 1e9, process: (user + system) / US_PER_S },
    };
  }

  #lagUs(nowUs: number): number {
    const known = this.#judgedUs.filter((us) => us > 0 && us < Infinity);
    return known.length === 0 ? 0 : Math.max(0, nowUs - Math.min(...known));
  }

  #countDevices(): void {
    const nowUs = wallClockUs();
    const days = Math.max(0, nowUs - this.#countedUs) / US_PER_DAY;
    this.#countedUs = nowUs;
    this.#deviceDays += days * this.#shards.reduce((sum, shard) => sum + (shard?.entities ?? 0), 0);
  }
}
