import { LANE_INDEX, LANES } from '../domain/lanes.js';
import { loadSettings } from '../config/load.js';
import { ThymusError } from '../errors.js';
import { giveFeedback } from '../store/give_feedback.js';
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
  const taken = await giveFeedback(stateDirectory(settings), { id, is: verdict }, Date.now());
  const { title } = LANES[LANE_INDEX[taken.lane]]!;
  const what = verdict === 'benign' ? 'benign' : 'an attack';
  print(
    `${taken.incident} is ${what}. From the next watch on, the odds that an incident of this kind ` +
      `(${title}) is real are taken ${Number(taken.oddsFactor.toPrecision(2))} times.\n`,
  );
  return EXIT.DONE;
}
