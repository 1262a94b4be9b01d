import type { RecordSink } from '../batch/record_sink.js';
import { IncidentSink } from '../batch/incident_sink.js';
import { responsePolicyOf } from '../config/response_policy.js';
import type { Settings } from '../config/settings.js';
import { AUTONOMY_MODES, type AutonomyMode } from '../domain/action.js';
import type { Incident } from '../domain/incident.js';
import { ResponseSink } from '../engine/response_sink.js';
import { ThymusError } from '../errors.js';
import { responseFiles } from '../store/response_files.js';
import { ResponderLink } from './responder_link.js';
import { startResponder } from './responder_process.js';
import { stateDirectory } from './state_directory.js';

export interface LiveResponseOptions {
  readonly settings: Settings;
  /** Path of the configuration file, which names the actuators. */
  readonly config: string | null;
  readonly runId: string | null;
  readonly warn: (sentence: string) => void;
}

/** `watch --respond`: answers incidents through a responder, which it starts where none runs. */
export class LiveResponse {
  /** What has to see the run. */
  readonly sinks: readonly RecordSink[];
  readonly #sink: ResponseSink;
  readonly #link: ResponderLink;
  readonly #runId: string | null;

  constructor({ settings, config, runId, warn }: LiveResponseOptions) {
    const state = stateDirectory(settings);
    const files = responseFiles(state);
    const args = ['--state', state, '--quiet', ...(config === null ? [] : ['--config', config])];
    const { homeNet } = settings;
    this.#runId = runId;
    this.#link = new ResponderLink({
      path: files.socket,
      mode: mostAllowed(settings),
      homeNet,
      warn,
      start: async () => {
        try {
          await startResponder(files, args);
        } catch (error) {
          if (!(error instanceof ThymusError)) throw error;
          warn(error.message);
        }
      },
    });
    const policy = responsePolicyOf(settings);
    this.#sink = new ResponseSink({ policy, homeNet, port: this.#link, runId });
    const verdicts = new IncidentSink((incident) => this.#note(incident));
    this.sinks = [verdicts, this.#sink];
  }

  /** Takes over what has changed in settings, also for what is in force. */
  reload(settings: Settings): void {
    this.#link.setMode(mostAllowed(settings));
    this.#sink.setPolicy(responsePolicyOf(settings));
  }

  /** What is in force stays with the responder. */
  close(): Promise<void> {
    return this.#link.close();
  }

  #note({ id, summary, confidence, severity, stage, detectors, entity, lnWealth }: Incident): void {
    const name = this.#runId === null ? id : `${this.#runId}/${id}`;
    const facts = { confidence, severity, stage, detectors, entity, lnWealth };
    this.#link.verdict(name, summary, JSON.stringify(facts));
  }
}

/** The settings that are taken over while it runs. */
export function responseSettings(settings: Settings): Partial<Settings> {
  const entries = Object.entries(settings).filter(([name]) => name.startsWith('respond'));
  return Object.fromEntries(entries);
}

/** The responder keeps to the most that is allowed anywhere; zones are the policy's. */
function mostAllowed({ respond, respondZones }: Settings): AutonomyMode {
  const modes = [respond, ...respondZones.map(({ mode }) => mode)];
  return AUTONOMY_MODES[Math.max(...modes.map((mode) => AUTONOMY_MODES.indexOf(mode)))]!;
}
