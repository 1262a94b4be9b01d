import { spawn } from 'node:child_process';
import { firstLine } from './outcome.js';

/** A program with the arguments that always come first. Never read by a shell. */
export type Command = readonly [program: string, ...args: string[]];

export interface Ran {
  /** 0 is success; null where it did not start or did not end in time. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it has no status, as one sentence; null where it ended by itself. */
  readonly trouble: string | null;
  /** The program is not there or may not be started: no use in trying again. */
  readonly missing: boolean;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly timeoutMs: number;
  /** More than this of either stream is cut off. */
  readonly outputBytes?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const OUTPUT_BYTES = 1 << 20;
const AFTER_EXIT_MS = 250;

/** Runs a program to its end; it is killed when its time is over. */
export async function runProgram(command: Command, options: RunOptions): Promise<Ran> {
  const { input = '', timeoutMs, outputBytes = OUTPUT_BYTES } = options;
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      env: options.env ?? process.env,
      cwd: options.cwd,
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
    const stdout = collect(child.stdout, outputBytes);
    const stderr = collect(child.stderr, outputBytes);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
    }, timeoutMs);
    const end = (status: number | null, trouble: string | null, missing = false): void => {
      clearTimeout(timer);
      resolve({ status, stdout: stdout(), stderr: stderr(), trouble, missing });
    };
    const ended = (code: number | null, signal: string | null): void => {
      if (late) end(null, `'${program}' did not end within ${timeoutMs} ms and was stopped.`);
      else if (code === null) end(null, `'${program}' was ended by ${signal ?? 'a signal'}.`);
      else end(code, null);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      end(null, whyNotStarted(program, error), true);
    });
    child.on('close', ended);
    // What it has started may keep the pipes open: it holds nobody up.
    child.on('exit', (code, signal) => {
      setTimeout(() => ended(code, signal), AFTER_EXIT_MS).unref();
    });
    // A program that ends without reading breaks the pipe; its status says what happened.
    child.stdin.on('error', () => null);
    child.stdin.end(input);
  });
}

/** One sentence for a program that cannot be started. */
export function whyNotStarted(program: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') {
    return `The program '${program}' is missing: install it or give its path in the settings.`;
  }
  if (error.code === 'EACCES') {
    return `The program '${program}' may not be started: make it executable for this user.`;
  }
  return `The program '${program}' cannot be started (${firstLine(error.message)}): see the system log.`;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function collect(stream: NodeJS.ReadableStream, mostBytes: number): () => string {
  const chunks: Buffer[] = [];
  let room = mostBytes;
  stream.on('data', (chunk: Buffer) => {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= Math.min(room, chunk.length);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
