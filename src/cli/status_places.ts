import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StatusServer } from '../api/status_server.js';
import type { Settings } from '../config/settings.js';
import type { LiveStatus } from '../engine/pipeline.js';
import { ThymusError } from '../errors.js';
import { socketsDirectory } from '../store/run_files.js';
import { complain } from './console.js';
import { stateDirectory } from './state_directory.js';

/**
 * Opens the places where a live run says how it stands: a socket in the state directory, which only
 * its owner can reach, and the one for Prometheus where it is asked for.
 * @returns what closes them
 * @throws ThymusError USAGE when the place for Prometheus cannot be had
 */
export async function openStatusPlaces(
  settings: Settings,
  status: () => LiveStatus | null,
): Promise<() => void> {
  const servers: StatusServer[] = [];
  const own = await ownSocket(settings, status);
  if (own !== null) servers.push(own);
  const close = (): void => servers.forEach((server) => server.close());
  try {
    if (settings.prometheus !== null) {
      servers.push(await StatusServer.listen(settings.prometheus, status));
    }
    return close;
  } catch (error) {
    close();
    throw error;
  }
}

async function ownSocket(
  settings: Settings,
  status: () => LiveStatus | null,
): Promise<StatusServer | null> {
  const directory = socketsDirectory(stateDirectory(settings));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return await StatusServer.listen({ path: join(directory, `${process.pid}.sock`) }, status);
  } catch (error) {
    const why = error instanceof ThymusError ? error.message : `${directory} cannot be written.`;
    complain(`thymus: ${why} 'thymus stats' cannot ask this run.\n`);
    return null;
  }
}
