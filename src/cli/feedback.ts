import { LANE_INDEX, LANES } from '../domain/lanes.js';
import { loadSettings } from '../config/load.js';
import { ThymusError } from '../errors.js';
import { addFeedback, priorsOf, readFeedback } from '../store/feedback_file.js';
import { RunArchive } from '../store/run_archive.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { StateFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/**
 * `thymus feedback ID benign|attack`
 * @param id RUN/INCIDENT, or the number of an incident of the newest run
 * @returns the exit code
 */
export async function feedbackCommand(
  id: string,
  verdict: string,
  flags: StateFlags,
): Promise<number> {
  if (verdict !== 'benign' && verdict !== 'attack') {
    throw new ThymusError('USAGE', `An incident is 'benign' or 'attack', not '${verdict}'.`);
  }
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const state = stateDirectory(settings);
  const { run, incident } = await new RunArchive(state).incident(id);
  const lane = incident.detectors[0]!;
  const name = `${run.id}/${incident.id}`;
  addFeedback(state, { incident: name, is: verdict, lane, at: new Date().toISOString() });
  const factor = Math.exp(priorsOf(readFeedback(state))[lane] ?? 0);
  const { title } = LANES[LANE_INDEX[lane]]!;
  const what = verdict === 'benign' ? 'benign' : 'an attack';
  print(
    `${name} is ${what}. From the next watch on, the odds that an incident of this kind ` +
      `(${title}) is real are taken ${Number(factor.toPrecision(2))} times.\n`,
  );
  return EXIT.DONE;
}
