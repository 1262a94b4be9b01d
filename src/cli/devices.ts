import { deviceListText, deviceText } from '../api/device_text.js';
import { lookOf } from '../api/text_layout.js';
import { loadSettings } from '../config/load.js';
import type { DeviceRecord } from '../domain/device.js';
import { ThymusError } from '../errors.js';
import { RunArchive } from '../store/run_archive.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { DevicesFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/**
 * `thymus devices [ID]`
 * @param id an address, a name or an identity of one device; all when it is not given
 * @returns the exit code
 */
export async function devicesCommand(id: string | undefined, flags: DevicesFlags): Promise<number> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const archive = new RunArchive(stateDirectory(settings));
  const run = archive.run(flags.run);
  const devices = archive.devices(run);
  const chosen = id === undefined ? devices : matching(devices, id, run.id);
  if (flags.json) print(chosen.map((device) => `${JSON.stringify(device)}\n`).join(''));
  else if (id !== undefined) print(chosen.map(deviceText).join('\n'));
  else print(deviceListText(chosen, run.id, lookOf(process.stdout, process.env)));
  return EXIT.DONE;
}

/** Several where an address went from one to another. */
function matching(devices: readonly DeviceRecord[], id: string, run: string): DeviceRecord[] {
  const isIt = ({ id: own, identities, names, leases }: DeviceRecord): boolean =>
    own === id ||
    names.includes(id) ||
    identities.some((text) => text === id || text.endsWith(` ${id}`)) ||
    leases.some(({ address }) => address === id);
  const found = devices.filter(isIt);
  if (found.length > 0) return found;
  throw new ThymusError(
    'NO_SUCH_DEVICE',
    `Run ${run} saw no device '${id}': 'thymus devices' lists those that it saw.`,
  );
}
