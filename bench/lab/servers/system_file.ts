import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';
import { sh } from '../shell.js';

/** Gives a file of the system another text, in the mount namespace that the lab has for itself. */
export function replaceSystemFile(lab: Lab, file: string, text: string): void {
  const own = join(lab.folder, file.slice(1).replaceAll('/', '-'));
  writeFileSync(own, text);
  sh(`mount --bind ${own} ${file}`);
}
