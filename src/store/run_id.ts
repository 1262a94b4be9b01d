import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { outputFailed } from './output_error.js';

const RUN_ID = /^(\d{8}-\d{6})(?:-(\d+))?$/;

export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** Order of time; runs of one second by their number. */
export function compareRunIds(a: string, b: string): number {
  const [, timeA = '', numberA = '1'] = RUN_ID.exec(a) ?? [];
  const [, timeB = '', numberB = '1'] = RUN_ID.exec(b) ?? [];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return Number(numberA) - Number(numberB);
}

/**
 * Makes the directory of a new run and thereby its id: the UTC time, and a number where another run
 * began in the same second. Making a directory succeeds for one process only, so two runs never
 * share an id, without locks or random numbers.
 * @param runs existing directory of all runs
 * @throws ThymusError OUTPUT_FAILED
 */
export function claimRunId(runs: string, now: Date): string {
  const time = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  for (let number = 1; ; number++) {
    const id = number === 1 ? time : `${time}-${number}`;
    try {
      mkdirSync(join(runs, id), { mode: 0o700 });
      return id;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw outputFailed(runs, error);
    }
  }
}
