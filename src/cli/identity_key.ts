import { createHash } from 'node:crypto';
import type { Settings } from '../config/settings.js';
import { REPEATABLE_IDENTITY_KEY } from '../engine/pipeline.js';
import { installationKey, passingKey, readIdentityKey } from '../store/identity_key.js';
import { complain } from './console.js';
import type { ReplayFlags } from './flags.js';
import { stateDirectory } from './state_directory.js';

/** Where identities can be seen. */
type OutputFlags = Pick<ReplayFlags, 'eve' | 'eveDir' | 'flows'>;

/**
 * The key under which the outputs of a command hash subscribers' identities: of the file that was
 * named, or this installation's own.
 * @throws ThymusError USAGE when the file holds no key
 */
export function identityKey(flags: OutputFlags, settings: Settings): Uint8Array {
  if (settings.identityKey !== null) return readIdentityKey(settings.identityKey);
  const { eve, eveDir, flows } = flags;
  const keeps = settings.store === 'flows' || settings.store === 'devices';
  const shows = keeps || [eve, eveDir, flows].some((path) => path !== undefined);
  if (settings.identities === 'clear' || !shows) {
    return REPEATABLE_IDENTITY_KEY;
  }
  return lastingKey(settings);
}

/** The key of a live run, which goes on after a restart, and so do the hashes under it. */
export function watchKey(settings: Settings): Uint8Array {
  return settings.identityKey !== null
    ? readIdentityKey(settings.identityKey)
    : lastingKey(settings);
}

/** The key of the core's tables: as secret as that of identities, and says nothing of it. */
export function hashKeyOf(identityKey: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update('tables').update(identityKey).digest();
  return new Uint8Array(digest.subarray(0, identityKey.length));
}

function lastingKey(settings: Settings): Uint8Array {
  const directory = stateDirectory(settings);
  const key = installationKey(directory);
  if (key !== null) return key;
  complain(
    `thymus: No key of identities can be kept in ${directory}: their hashes are of this run only.\n`,
  );
  return passingKey();
}
