import { readdirSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusReport } from '../api/status_text.js';
import { lookOf } from '../api/text_layout.js';
import { loadSettings } from '../config/load.js';
import type { LiveStatus } from '../engine/pipeline.js';
import { ThymusError } from '../errors.js';
import { socketsDirectory } from '../store/run_files.js';
import { print } from './console.js';
import { EXIT } from './exit.js';
import type { StateFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/** Rates are those of this time. */
const BETWEEN_MS = 1000;
const ANSWER_MS = 5000;
const SOCKET = /^(\d+)\.sock$/;

/**
 * `thymus stats [PID]`
 * @param wanted number of a process; the only one when it is not given
 * @returns the exit code
 */
export async function statsCommand(wanted: string | undefined, flags: StateFlags): Promise<number> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  const directory = socketsDirectory(stateDirectory(settings));
  const path = join(directory, `${choose(await living(directory), wanted)}.sock`);
  const first = await statusAt(path);
  if (first === null) throw new ThymusError('USAGE', 'The run of watch has just ended.');
  if (flags.json) {
    print(`${JSON.stringify(first)}\n`);
    return EXIT.DONE;
  }
  await sleep(BETWEEN_MS);
  const second = (await statusAt(path)) ?? first;
  print(statusReport(first, second, lookOf(process.stdout, process.env)));
  return EXIT.DONE;
}

function choose(pids: readonly string[], wanted: string | undefined): string {
  if (wanted !== undefined) {
    if (pids.includes(wanted)) return wanted;
    throw new ThymusError('USAGE', `No run of watch has the number ${wanted}${others(pids)}.`);
  }
  if (pids.length === 1) return pids[0]!;
  const why = pids.length === 0 ? 'No run of watch answers' : 'Several runs of watch answer';
  const what =
    pids.length === 0 ? 'start one, or give its --state' : `name one of ${pids.join(', ')}`;
  throw new ThymusError('USAGE', `${why}: ${what}.`);
}

const others = (pids: readonly string[]): string =>
  pids.length === 0 ? '' : `; there are ${pids.join(', ')}`;

/** Those that answer; what a killed run has left is taken away. */
async function living(directory: string): Promise<string[]> {
  const pids: string[] = [];
  for (const name of names(directory)) {
    const pid = SOCKET.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(directory, name);
    if ((await statusAt(path)) !== null) pids.push(pid);
  }
  return pids;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** @returns null when nobody answers there, or the run has not begun */
function statusAt(socketPath: string): Promise<LiveStatus | null> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path: '/status', timeout: ANSWER_MS }, (response) => {
      const body = text(response);
      if (response.statusCode !== 200) resolve(null);
      else body.then((json) => resolve(JSON.parse(json) as LiveStatus), reject);
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') rmSync(socketPath, { force: true });
      resolve(null);
    });
  });
}
