import { incidentLine } from '../api/eve_incident.js';
import { lookOf } from '../api/text_layout.js';
import { incidentListText } from '../api/text_report.js';
import { loadSettings } from '../config/load.js';
import { RunArchive } from '../store/run_archive.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { StateFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/**
 * `thymus incidents [RUN]`
 * @param prefix beginning of a run's name; the newest run when it is not given
 * @returns the exit code
 */
export async function incidentsCommand(
  prefix: string | undefined,
  flags: StateFlags,
): Promise<number> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const archive = new RunArchive(stateDirectory(settings));
  const run = archive.run(prefix);
  const incidents = await archive.incidents(run);
  if (flags.json) print(incidents.map((incident) => incidentLine(incident)).join(''));
  else print(incidentListText(incidents, run.id, lookOf(process.stdout, process.env)));
  return EXIT.DONE;
}
