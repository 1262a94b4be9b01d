import { fileURLToPath } from 'node:url';

/** The compiled file of a program of this folder. */
export function programFile(name: 'time_server' | 'time_client' | 'chatter'): string {
  return fileURLToPath(new URL(`${name}.js`, import.meta.url));
}
