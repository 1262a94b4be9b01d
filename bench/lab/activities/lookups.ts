import { FILES, LOGIN, PRINTER, PUBLIC_NAMES, WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import type { Random } from '../random.js';
import { pause } from '../shell.js';

/** Names and addresses that programs look up by themselves, some of which do not exist. */
export async function lookUp(lab: Lab, pc: string, signal: AbortSignal): Promise<void> {
  const random = lab.random(`lookups at ${pc}`);
  while (await pause(random.pauseSeconds(9), signal)) {
    await lab.run(pc, ['getent', ...question(random)]);
  }
}

function question(random: Random): string[] {
  const chance = random.next();
  if (chance < 0.5) return ['ahosts', random.pick(PUBLIC_NAMES).name];
  // The search list makes these fail twice, as wrong names in an office do.
  if (chance < 0.65) return ['ahosts', random.pick(['wpad', 'isatap', 'old-intranet', 'printr'])];
  if (chance < 0.8) return ['ahosts', random.pick([WEB, FILES, LOGIN]).name];
  return ['hosts', random.pick([WEB, FILES, LOGIN, PRINTER]).address];
}
