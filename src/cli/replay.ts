import { setFlagsFromString } from 'node:v8';
import { ReportSink } from '../api/report_sink.js';
import { loadSettings } from '../config/load.js';
import { responsePolicyOf } from '../config/response_policy.js';
import type { Settings } from '../config/settings.js';
import { readModel, writeModel, type Model } from '../store/model_file.js';
import type { RunSummary } from '../domain/run.js';
import { ThymusError } from '../errors.js';
import { DryRun } from '../engine/dry_run.js';
import { ResponseSink } from '../engine/response_sink.js';
import { Pipeline, pipelineOptions, type Learning } from '../engine/pipeline.js';
import { complain } from './console.js';
import { ReplayedEvidence } from './evidence_captures.js';
import { EXIT } from './exit.js';
import { Interruption } from './interrupt.js';
import { openOutputs } from './outputs.js';
import { ProgressLine, progressText } from './progress.js';
import type { ReplayFlags } from './flags.js';
import { printReport } from './report.js';
import { MetricsFile } from './metrics_file.js';
import { hashKeyOf, identityKey, watchKey } from './identity_key.js';
import { hashKeyOfModel, learningOf } from './learning.js';
import { settingsOf } from './setting_flags.js';

/** `thymus replay FILE...` @returns the exit code */
export async function replayCommand(files: readonly string[], flags: ReplayFlags): Promise<number> {
  refuseContradictions(files, flags);
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  if (flags.each) keepHeapTight();
  return new Replay(flags, settings).run(flags.each ? files.map((file) => [file]) : [files]);
}

function refuseContradictions(files: readonly string[], flags: ReplayFlags): void {
  const refuse = (sentence: string): never => {
    throw new ThymusError('USAGE', sentence);
  };
  if (flags.rules !== undefined) {
    refuse("'--rules' is reserved for Suricata rules, which are not read yet: leave it out.");
  }
  if (files.filter((file) => file === '-').length > 1) {
    refuse("Standard input, '-', can be read only once.");
  }
  if (flags.evidencePcap !== undefined && files.includes('-')) {
    refuse("'--evidence-pcap' reads captures twice, and standard input can be read only once.");
  }
  if (flags.eveDir !== undefined && !flags.each) {
    refuse("'--eve-dir' holds one file per capture: add '--each', or use '--eve FILE'.");
  }
  if (flags.each && flags.saveModel !== undefined) {
    refuse(
      "'--save-model' takes what one run has learned, and '--each' makes many: leave one out.",
    );
  }
  const single = (['eve', 'verdicts', 'flows'] as const).find((name) => flags[name] !== undefined);
  if (flags.each && single !== undefined) {
    refuse(`'--${single}' holds one run, and '--each' makes many: use '--eve-dir DIR'.`);
  }
}

/** One `replay` command: one or more runs, one after another, in one pipeline. */
class Replay {
  readonly #flags: ReplayFlags;
  readonly #settings: Settings;
  readonly #pipeline: Pipeline;
  readonly #interruption: Interruption;
  readonly #metrics: MetricsFile | null;
  readonly #model: Model | null;
  readonly #hashKey: Uint8Array | null;
  #exitCode: number = EXIT.DONE;

  constructor(flags: ReplayFlags, settings: Settings) {
    this.#flags = flags;
    this.#settings = settings;
    this.#model = flags.model === undefined ? null : readModel(flags.model);
    this.#hashKey =
      this.#model === null
        ? null
        : hashKeyOfModel(this.#model, () => hashKeyOf(watchKey(settings)));
    this.#pipeline = new Pipeline({
      ...pipelineOptions(settings),
      identityKey: identityKey(flags, settings),
      hashKey: this.#hashKey,
      measureCost: flags.metrics !== undefined,
    });
    this.#interruption = new Interruption(() => this.#pipeline.stop());
    this.#metrics = flags.metrics === undefined ? null : new MetricsFile(flags.metrics);
  }

  async run(runs: readonly (readonly string[])[]): Promise<number> {
    this.#interruption.watch();
    this.#metrics?.start();
    try {
      for (const [i, files] of runs.entries()) {
        if (this.#interruption.seen) break;
        await this.#runOne(files, i, runs.length);
      }
      this.#metrics?.write();
    } finally {
      this.#interruption.unwatch();
      await this.#pipeline.close();
    }
    return this.#interruption.seen ? EXIT.INTERRUPTED : this.#exitCode;
  }

  async #runOne(files: readonly string[], i: number, n: number): Promise<void> {
    const { evidencePcap, each } = this.#flags;
    const evidence =
      evidencePcap === undefined ? null : new ReplayedEvidence(evidencePcap, each ? `${i}.` : '');
    const dryRun = this.#flags.respond === undefined ? null : new DryRun();
    const proposalsOf = dryRun === null ? null : dryRun.proposalsOf.bind(dryRun);
    const asked = proposalsOf === null ? this.#flags : { ...this.#flags, proposalsOf };
    const outputs = await openOutputs(files, i, asked, this.#settings);
    const report = new ReportSink(proposalsOf);
    const prefix = n > 1 ? `${i + 1}/${n} · ` : '';
    const progress = new ProgressLine(
      () => this.#pipeline.progress,
      (now, rates) => prefix + progressText(now, rates),
    );
    if (!this.#flags.quiet) progress.start();
    let summary: RunSummary;
    try {
      const sinks = [
        ...(dryRun === null ? [] : [this.#responseTo(dryRun)]),
        ...outputs.sinks,
        report,
        ...(evidence === null ? [] : [evidence.sink]),
      ];
      summary = await this.#pipeline.run(files, sinks, this.#learning(files));
    } finally {
      progress.stop();
    }
    await evidence?.write(files);
    this.#metrics?.add(summary, this.#pipeline.lastCost);
    this.#nameUnreadable(summary);
    const found = report.report(outputs.runId);
    if (found !== null && this.#reports) {
      printReport(found, {
        json: this.#flags.json === true,
        title: n > 1 ? files.join(' ') : null,
      });
    }
  }

  /** Proposals are numbered by their incidents alone, so that all runs name them alike. */
  #responseTo(port: DryRun): ResponseSink {
    const { homeNet } = this.#settings;
    return new ResponseSink({
      policy: responsePolicyOf(this.#settings),
      homeNet,
      port,
      runId: null,
    });
  }

  #learning(files: readonly string[]): Learning {
    const { saveModel } = this.#flags;
    const write = (path: string) => (model: Model) => writeModel(path, model);
    const put = saveModel === undefined ? null : write(saveModel);
    return learningOf(files, { start: this.#model, hashKey: this.#hashKey, put });
  }

  /** Nothing is mixed into EVE that goes to standard output. */
  get #reports(): boolean {
    return !this.#flags.quiet && this.#flags.eve !== '-';
  }

  #nameUnreadable(summary: RunSummary): void {
    for (const { kind, error, path } of summary.sources) {
      if (kind !== 'unreadable' && kind !== 'not_a_capture') continue;
      complain(`thymus: ${sentence(error ?? `'${path}' cannot be read`)}\n`);
      this.#exitCode = EXIT.USAGE;
    }
  }
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

/**
 * Lets the heap grow by a fifth between two collections instead of fourfold, so that many runs peak
 * where one does. It costs 6 % of the CPU time of a large capture.
 */
function keepHeapTight(): void {
  setFlagsFromString('--heap-growing-percent=20');
}
