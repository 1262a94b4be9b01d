import { spawnSync } from 'node:child_process';

/** Where a sentence says why something cannot be had, the suite or test is skipped and says so, too. */
export function orSkip<T>(test: Mocha.Context, made: T | string): T {
  if (typeof made !== 'string') return made;
  console.log(`    skipped: ${made}`);
  return test.skip();
}

/** @returns a sentence where a program is not there; it is started with `args` to see */
export function whyNoProgram(name: string, from: string, ...args: string[]): string | null {
  const { error } = spawnSync(name, args.length === 0 ? ['--version'] : args);
  return error === undefined ? null : `the program '${name}' is missing: install ${from}`;
}
