import { existsSync } from 'node:fs';
import { setInterval, setTimeout as startTimer } from 'node:timers';
import { incidentLine } from '../api/eve_incident.js';
import { lookOf } from '../api/text_layout.js';
import { incidentNewsText } from '../api/text_report.js';
import { IncidentSink } from '../batch/incident_sink.js';
import { alteredSettings, loadSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import {
  Pipeline,
  pipelineOptions,
  preflight,
  type Learning,
  type LiveOptions,
} from '../engine/pipeline.js';
import { priorsOf, readFeedback } from '../store/feedback_file.js';
import { readModel, writeModel, type Model } from '../store/model_file.js';
import { ModelShelf } from '../store/model_shelf.js';
import { ThymusError } from '../errors.js';
import { complain, print } from './console.js';
import { LiveEvidence } from './evidence_captures.js';
import { EXIT } from './exit.js';
import type { WatchFlags } from './flags.js';
import { hashKeyOf, watchKey } from './identity_key.js';
import { hashKeyOfModel, learningOf, type LearningSetup } from './learning.js';
import { LiveResponse, responseSettings } from './live_response.js';
import { openOutputs, verdictSocketOf, type Outputs } from './outputs.js';
import { ProgressLine, statusText } from './progress.js';
import { ServiceManager } from './service_manager.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';
import { StatusLog } from './status_log.js';
import { openStatusPlaces } from './status_places.js';
import { openStreamPlaces, type StreamPlaces } from './stream_places.js';

const MIB = 1024 * 1024;
const FLUSH_MS = 5;
/** How often what was learned is written: so much a machine that goes down forgets. */
const SAVE_MS = 15 * 60_000;
const MOST_SECONDS = 2 ** 31 / 1000;

/** `thymus watch IFACE...` @returns the exit code */
export async function watchCommand(
  interfaces: readonly string[],
  flags: WatchFlags,
): Promise<number> {
  const seconds = secondsOf(flags.duration);
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const notes = settings.source === 'libpcap' ? [] : preflight(interfaces);
  for (const note of notes) complain(`thymus: ${note}\n`);
  return new Watch(flags, settings).run(interfaces, seconds);
}

/** @returns null when it goes on until somebody ends it */
function secondsOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  if (seconds > 0 && seconds < MOST_SECONDS) return seconds;
  throw new ThymusError('USAGE', `'--duration' must be a number of seconds, not '${text}'.`);
}

/** What a watch goes on from, and where it keeps what it learns. */
type Lessons = Pick<LearningSetup, 'start' | 'put'>;

/** One `watch` command. */
class Watch {
  readonly #flags: WatchFlags;
  readonly #pipeline: Pipeline;
  readonly #lessons: Lessons;
  readonly #hashKey: Uint8Array | null;
  readonly #manager = new ServiceManager(process.env);
  #settings: Settings;
  #exitCode: number = EXIT.DONE;
  #stops = 0;
  #isUnkept = false;
  #response: LiveResponse | null = null;

  constructor(flags: WatchFlags, settings: Settings) {
    this.#flags = flags;
    this.#settings = settings;
    const identityKey = watchKey(settings);
    const own = hashKeyOf(identityKey);
    this.#lessons = this.#openLessons();
    const { start } = this.#lessons;
    this.#hashKey = start === null ? own : hashKeyOfModel(start, () => own);
    const hashKey = this.#hashKey;
    this.#pipeline = new Pipeline({ ...pipelineOptions(settings), identityKey, hashKey });
  }

  async run(interfaces: readonly string[], seconds: number | null): Promise<number> {
    const outputs = await openOutputs(
      interfaces,
      0,
      { ...this.#flags, isLive: true },
      this.#settings,
    );
    const signals: Readonly<Partial<Record<NodeJS.Signals, () => void>>> = {
      SIGINT: () => this.#stop(EXIT.INTERRUPTED),
      SIGTERM: () => this.#stop(EXIT.DONE),
      SIGHUP: () => void this.#reload(outputs),
    };
    for (const [name, handle] of Object.entries(signals)) process.on(name, handle);
    const closePlaces = await this.#openPlaces(outputs);
    const stream = await this.#openStream(interfaces, outputs, closePlaces);
    const saving = setInterval(() => this.#pipeline.saveModel(), SAVE_MS).unref();
    const timer =
      seconds === null ? null : startTimer(() => this.#stop(EXIT.DONE), seconds * 1000).unref();
    try {
      const summary = await this.#watch(interfaces, outputs, stream);
      this.#conclude(summary);
    } finally {
      clearInterval(saving);
      if (timer !== null) clearTimeout(timer);
      closePlaces();
      await stream?.close();
      for (const [name, handle] of Object.entries(signals)) process.off(name, handle);
      await this.#pipeline.close();
    }
    return this.#exitCode;
  }

  async #watch(
    interfaces: readonly string[],
    outputs: Outputs,
    stream: StreamPlaces | null,
  ): Promise<RunSummary> {
    const line = new ProgressLine(() => this.#pipeline.progress, statusText);
    const log = new StatusLog(() => this.#pipeline.progress);
    const news = new IncidentSink((incident, change) => {
      if (change !== 'opened') return;
      line.clear();
      this.#tell(incident);
    });
    const { evidencePcap } = this.#flags;
    const evidence =
      evidencePcap === undefined ? null : new LiveEvidence(evidencePcap, this.#pipeline);
    if (!this.#flags.quiet) {
      line.start();
      await log.start();
    }
    this.#manager.begin({
      isOpen: () => this.#pipeline.liveStatus?.isOpen ?? false,
      lag: () => this.#pipeline.liveStatus?.lag ?? 0,
    });
    if (this.#flags.respond !== undefined) this.#response = this.#respond(outputs.runId);
    try {
      const more = [stream, evidence].flatMap((output) => output?.sink ?? []);
      const sinks = [...(this.#response?.sinks ?? []), ...outputs.sinks, news, ...more];
      const how = { live: this.#live, learning: this.#learning(interfaces) };
      const watched = this.#pipeline.watch(interfaces, sinks, how);
      // A signal that came while the outputs were being opened.
      if (this.#stops > 0) this.#pipeline.stop();
      return await watched;
    } finally {
      await this.#response?.close();
      await evidence?.stop();
      line.stop();
      log.stop();
    }
  }

  #respond(runId: string | null): LiveResponse {
    return new LiveResponse({
      settings: this.#settings,
      config: this.#flags.config ?? null,
      runId,
      warn: (sentence) => complain(`thymus: ${sentence}\n`),
    });
  }

  async #openPlaces(outputs: Outputs): Promise<() => void> {
    try {
      return await openStatusPlaces(this.#settings, () => this.#pipeline.liveStatus);
    } catch (error) {
      await Promise.allSettled(outputs.sinks.map((sink) => sink.end()));
      throw error;
    }
  }

  async #openStream(
    interfaces: readonly string[],
    outputs: Outputs,
    closePlaces: () => void,
  ): Promise<StreamPlaces | null> {
    try {
      return await openStreamPlaces(this.#settings, {
        interfaces,
        runId: outputs.runId,
        socket: verdictSocketOf({ ...this.#flags, isLive: true }),
        status: () => this.#pipeline.liveStatus,
      });
    } catch (error) {
      closePlaces();
      await Promise.allSettled(outputs.sinks.map((sink) => sink.end()));
      throw error;
    }
  }

  /** Opens files anew that somebody has moved away, and takes over what has changed in settings. */
  async #reload(outputs: Outputs): Promise<void> {
    this.#manager.reloading();
    outputs.reopen();
    try {
      const settings = await loadSettings(settingsOf(this.#flags), this.#flags.config ?? null);
      const isAtOnce = (name: string): boolean =>
        name === 'budget' || (this.#response !== null && name.startsWith('respond'));
      const later = alteredSettings(this.#settings, settings).filter((name) => !isAtOnce(name));
      this.#response?.reload(settings);
      if (settings.budget !== this.#settings.budget) this.#pipeline.setBudget(settings.budget);
      const { budget } = settings;
      const response = this.#response === null ? {} : responseSettings(settings);
      this.#settings = { ...this.#settings, ...response, budget };
      if (later.length > 0) {
        complain(`thymus: The next start takes over what has changed in ${later.join(', ')}.\n`);
      }
    } catch (error) {
      complain(`thymus: ${(error as Error).message} The settings stay as they were.\n`);
    }
    this.#manager.reloaded();
  }

  get #live(): LiveOptions {
    return {
      filter: this.#flags.filter ?? '',
      throughLibpcap: this.#settings.source === 'libpcap',
      ringBytes: this.#settings.ringMib * MIB,
      promiscuous: this.#flags.promiscuous,
      hardwareTimestamps: this.#settings.timestamps === 'card',
      evidenceBytes: this.#flags.evidencePcap === undefined ? 0 : this.#settings.evidenceMib * MIB,
      flushMs: FLUSH_MS,
    };
  }

  #learning(interfaces: readonly string[]): Learning {
    const priors = priorsOf(readFeedback(stateDirectory(this.#settings)));
    return learningOf(interfaces, { ...this.#lessons, priors, hashKey: this.#hashKey });
  }

  /** @throws ThymusError MODEL_INVALID: a model that cannot be read is not written over */
  #openLessons(): Lessons {
    const { model } = this.#flags;
    if (typeof model === 'string') {
      const start = existsSync(model) ? readModel(model) : null;
      return { start, put: (learned) => writeModel(model, learned) };
    }
    if (!model || this.#settings.store === 'none') return { start: null, put: null };
    const shelf = new ModelShelf(stateDirectory(this.#settings));
    return { start: shelf.latest(), put: (learned) => this.#keep(shelf, learned) };
  }

  /** Where there is no place for it and nobody asked, watching goes on. */
  #keep(shelf: ModelShelf, learned: Model): void {
    try {
      shelf.keep(learned);
    } catch (error) {
      if (this.#settings.state !== null || !(error instanceof ThymusError)) throw error;
      if (!this.#isUnkept) complain(`thymus: ${error.message} What is learned is not kept.\n`);
      this.#isUnkept = true;
    }
  }

  /** Nothing is mixed into EVE that goes to standard output. */
  #tell(incident: Incident): void {
    if (this.#flags.quiet || this.#flags.eve === '-') return;
    if (this.#flags.json) print(incidentLine(incident));
    else print(`${incidentNewsText(incident, lookOf(process.stdout, process.env))}\n`);
  }

  #conclude(summary: RunSummary): void {
    const failed = summary.sources.find(({ kind }) => kind !== 'ok');
    if (failed !== undefined) throw new ThymusError('UNREADABLE_INPUT', failed.error ?? 'Failed.');
    if (this.#flags.quiet) return;
    const drops = new Map(summary.counters);
    const lost = (drops.get('kernel_drops') ?? 0) + (drops.get('nic_drops') ?? 0);
    complain(
      `Watched ${summary.packets.toLocaleString('en-US')} packets in ` +
        `${summary.flows.toLocaleString('en-US')} flows; ` +
        `${lost.toLocaleString('en-US')} were lost before they could be read.\n`,
    );
  }

  /** The first time, all that was read is written; the second leaves at once. */
  #stop(exitCode: number): void {
    if (this.#stops++ > 0) process.exit(EXIT.INTERRUPTED);
    this.#exitCode = exitCode;
    this.#manager.stopping();
    this.#pipeline.stop();
  }
}
