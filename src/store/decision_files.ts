import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { headBody } from './decision_line.js';
import type { ResponseFiles } from './response_files.js';

/*
 * The log is one chain in several files. What is written to is decisions.log; when that is large, it
 * is closed, which is a new name, and the chain goes on in a new file:
 *
 *   decisions-000000000026112.log     closed; its last entry has the number 26112
 *   decisions-000000000052890.log
 *   decisions.log
 *
 * Put one after the other they are the log as one file would be.
 */

const CLOSED = /^decisions-\d{15}\.log$/;

/** Closed files of the log, the oldest first. */
export function closedLogs({ directory }: Pick<ResponseFiles, 'directory'>): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const closed = names.filter((name) => CLOSED.test(name)).sort();
  return closed.map((name) => join(directory, name));
}

/** @param number of the last entry in it */
export const closedLog = (
  { directory }: Pick<ResponseFiles, 'directory'>,
  number: number,
): string => join(directory, `decisions-${headBody(number)}.log`);
