import { writeSync } from 'node:fs';
import type { Said } from './tap_net.js';

/** Says one thing as a line of JSON. */
export function say(what: Said): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}
