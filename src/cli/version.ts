import { readFileSync } from 'node:fs';
import { projectPath } from './project_paths.js';

/** The version of this thymus, from its package. */
export function engineVersion(): string {
  const { version } = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
