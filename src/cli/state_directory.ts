import type { Settings } from '../config/settings.js';
import { defaultStateDirectory } from '../store/run_files.js';

/** Where runs are kept. */
export function stateDirectory(settings: Settings): string {
  return settings.state ?? defaultStateDirectory(process.env);
}
