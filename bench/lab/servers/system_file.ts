import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Lab } from '../lab.js';
import { sh } from '../shell.js';

const SETTINGS = '/etc';

/**
 * Gives a file of /etc another text, for the lab alone: its mount namespace has a copy of the folder
 * there. A mount over the single file would fall away as soon as the machine replaces that file.
 */
export function replaceSystemFile(lab: Lab, file: string, text: string): void {
  if (dirname(file) !== SETTINGS && dirname(dirname(file)) !== SETTINGS) {
    throw new Error(`${file} is not a setting.`);
  }
  const own = join(lab.folder, basename(SETTINGS));
  if (!existsSync(own)) {
    cpSync(SETTINGS, own, { recursive: true, verbatimSymlinks: true });
    sh(`mount --bind ${own} ${SETTINGS}`);
  }
  const copy = join(own, file.slice(SETTINGS.length));
  // It may be a link that leads out of the copy.
  rmSync(copy, { force: true });
  writeFileSync(copy, text);
}
