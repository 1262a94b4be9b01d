import type { RunSummary } from '../domain/run.js';
import type { RunCost } from '../engine/pipeline.js';
import { OutputFile } from '../store/output_file.js';
import { ProcessProbe } from './process_cost.js';

/** What a command cost, as `--metrics` writes it and `bench` reads it. */
export interface Metrics {
  readonly runs: number;
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  readonly wall_s: number;
  /** Whole process, start-up included. */
  readonly cpu_s: number;
  /** The native threads. */
  readonly cpu_native_s: number;
  /** The rest: judging, outputs, start-up. */
  readonly cpu_typescript_s: number;
  readonly peak_anonymous_bytes: number;
  readonly peak_resident_bytes: number;
  /** Of the last run, one entry per shard. */
  readonly judging_ns_per_record: RunCost['shards'];
}

/** Collects the cost of a command's runs and writes it as one JSON object. */
export class MetricsFile {
  readonly #file: OutputFile;
  readonly #probe = new ProcessProbe();
  #startedMs = 0;
  #runs = 0;
  #packets = 0;
  #bytes = 0;
  #flows = 0;
  #nativeCpuSeconds = 0;
  #judging: RunCost['shards'] = [];

  /** @throws ThymusError OUTPUT_FAILED */
  constructor(path: string) {
    this.#file = new OutputFile(path);
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#probe.start();
  }

  add(summary: RunSummary, cost: RunCost | null): void {
    this.#runs++;
    this.#packets += summary.packets;
    this.#bytes += summary.bytes;
    this.#flows += summary.flows;
    this.#nativeCpuSeconds += cost?.nativeCpuSeconds ?? 0;
    this.#judging = cost?.shards ?? [];
  }

  write(): void {
    const { cpuSeconds, peakAnonymousBytes, peakResidentBytes } = this.#probe.stop();
    const metrics: Metrics = {
      runs: this.#runs,
      packets: this.#packets,
      bytes: this.#bytes,
      flows: this.#flows,
      wall_s: (performance.now() - this.#startedMs) / 1000,
      cpu_s: cpuSeconds,
      cpu_native_s: this.#nativeCpuSeconds,
      cpu_typescript_s: cpuSeconds - this.#nativeCpuSeconds,
      peak_anonymous_bytes: peakAnonymousBytes,
      peak_resident_bytes: peakResidentBytes,
      judging_ns_per_record: this.#judging,
    };
    this.#file.writeText(`${JSON.stringify(metrics)}\n`);
    this.#file.close();
  }
}
