import { fileURLToPath } from 'node:url';

export type ProgramName =
  | 'amplifiers'
  | 'beacon'
  | 'chatter'
  | 'drop_box'
  | 'slow_client'
  | 'stratum_miner'
  | 'stratum_pool'
  | 'time_client'
  | 'time_server'
  | 'uploader'
  | 'worm';

/** The compiled file of a program of this folder. */
export function programFile(name: ProgramName): string {
  return fileURLToPath(new URL(`${name}.js`, import.meta.url));
}
