import { ThymusError } from '../errors.js';
import { complain } from './console.js';

/** Exit codes of the command line. */
export const EXIT = { DONE: 0, FAILED: 1, USAGE: 2, INTERRUPTED: 130 } as const;

/** Tells the user about an error in one sentence, and says with which code to exit. */
export function reportError(error: unknown): number {
  if (isBrokenPipe(error)) return EXIT.DONE;
  if (process.env['THYMUS_DEBUG'] && error instanceof Error) complain(`${error.stack}\n`);
  if (error instanceof ThymusError) {
    complain(`thymus: ${error.message}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? error.message : String(error);
  complain(
    `thymus: something went wrong inside (${what}): set THYMUS_DEBUG=1 to see where, and report it.\n`,
  );
  return EXIT.FAILED;
}

/** `thymus incidents | head`: the reader has seen enough, which is no error. */
function isBrokenPipe(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EPIPE') return true;
  }
  return false;
}
