import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../../bin/thymus', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  /** Run in a shell-like wrapper, for example ['prlimit', '--fsize=1000']. */
  readonly wrapper?: readonly string[];
}

/** Starts the real program. */
export function startThymus(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const command = [...(options.wrapper ?? []), process.execPath, BIN, ...args];
  return spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...options.env },
  });
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const [out, err, [code, signal]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, out, err };
}

/** Runs the real program to its end. */
export async function thymus(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = startThymus(args, options);
  // A program that does not read its input to the end is no fault of the test.
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(options.input ?? '');
  return outcomeOf(child);
}

/** The objects of an EVE text. */
export function eveEvents(lines: string): Record<string, unknown>[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Settles when a file is there; `mocha` gives up on one that never comes. */
export async function present(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
}
