import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { makePrivateDirectory } from '../store/durable.js';
import { outputFailed } from '../store/output_error.js';
import type { ResponseFiles } from '../store/response_files.js';

/**
 * Starts a responder that outlives this process; what it complains of goes into its log file.
 * @param args of `thymus respond`
 * @returns settles when it has ended, or could not be started
 * @throws ThymusError OUTPUT_FAILED
 */
export async function startResponder(files: ResponseFiles, args: readonly string[]): Promise<void> {
  makePrivateDirectory(files.directory);
  let log: number;
  try {
    log = openSync(files.messages, 'a', 0o600);
  } catch (error) {
    throw outputFailed(files.messages, error);
  }
  const program = [...process.execArgv, process.argv[1]!, 'respond', ...args];
  const child = spawn(process.execPath, program, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  await once(child, 'exit').catch(() => undefined);
}
