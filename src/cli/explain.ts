import { incidentLine } from '../api/eve_incident.js';
import { explainText } from '../api/explain.js';
import { lookOf } from '../api/text_layout.js';
import { loadSettings } from '../config/load.js';
import { RunArchive } from '../store/run_archive.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { StateFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/**
 * `thymus explain ID`
 * @param id RUN/INCIDENT, or the number of an incident of the newest run
 * @returns the exit code
 */
export async function explainCommand(id: string, flags: StateFlags): Promise<number> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const { run, incident } = await new RunArchive(stateDirectory(settings)).incident(id);
  if (flags.json) print(incidentLine(incident));
  else
    print(explainText(incident, `${run.id}/${incident.id}`, lookOf(process.stdout, process.env)));
  return EXIT.DONE;
}
