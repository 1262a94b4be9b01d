import { loadSettings } from '../config/load.js';
import { AUTONOMY_MODES, type AutonomyMode } from '../domain/action.js';
import { ThymusError } from '../errors.js';
import { openActuators, preflightActuators } from '../response/actuators/open.js';
import type { ActuatorSettings } from '../response/actuators/settings.js';
import { makePrivateDirectory } from '../store/durable.js';
import { responseFiles, type ResponseFiles } from '../store/response_files.js';
import { actuatorParts } from './actuator_parts.js';
import { actuatorSettings, keepActuatorSettings } from './actuator_settings.js';
import { complain } from './console.js';
import { EXIT } from './exit.js';
import type { RespondFlags } from './flags.js';
import { ResponderRun } from './responder_run.js';
import { ServiceManager } from './service_manager.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

const IDLE_MS = 60_000;

/** `thymus respond` @returns the exit code */
export async function respondCommand(flags: RespondFlags): Promise<number> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const files = responseFiles(stateDirectory(settings));
  const actuators = await actuatorSettings(files, flags.config ?? null);
  const parts = await actuatorParts(actuators);
  const opened = openActuators(actuators, parts);
  for (const note of preflightActuators(actuators, parts)) complain(`thymus: ${note}\n`);
  makePrivateDirectory(files.directory);
  tryToKeep(files, actuators);
  const manager = new ServiceManager(process.env);
  const names = opened.map(({ name }) => name).join(', ');
  const run = new ResponderRun({
    files,
    actuators: opened,
    mode: modeOf(flags.mode),
    idleMs: flags.stay ? null : IDLE_MS,
    onReady: () => {
      manager.begin({ isOpen: () => true, lag: () => 0 });
      if (flags.quiet) return;
      const through = names === '' ? 'no actuator is configured, so it can only observe' : names;
      complain(`thymus: the responder is ready (${through}).\n`);
    },
  });
  const stop = (): void => {
    manager.stopping();
    run.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  await run.run();
  return EXIT.DONE;
}

/** What is in force has to be withdrawn in time, be the disk full or not. */
function tryToKeep(files: ResponseFiles, settings: ActuatorSettings): void {
  try {
    keepActuatorSettings(files, settings);
  } catch (error) {
    if (!(error instanceof ThymusError)) throw error;
    complain(`thymus: ${error.message}\n`);
  }
}

function modeOf(text: string | undefined): AutonomyMode | null {
  if (text === undefined) return null;
  const mode = AUTONOMY_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  const message = `'--mode' must be one of ${AUTONOMY_MODES.join(', ')}, not '${text}'.`;
  throw new ThymusError('USAGE', message);
}
