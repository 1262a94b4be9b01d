import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Outcome {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly output: string;
}

/** Enough for any message of a tool. */
const OUTPUT_LIMIT_BYTES = 1 << 20;

/** Runs a set-up command given as one line; its failure ends the lab. */
export function sh(line: string): void {
  const [command, ...args] = line.split(' ');
  execFileSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A command inside the namespace of a host. */
export function inside(host: string, command: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', host, ...command];
}

export function start(command: readonly string[], folder: string): ChildProcess {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Without a listener it would be thrown; the exit code tells as much.
  child.on('error', () => undefined);
  return child;
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= OUTPUT_LIMIT_BYTES) chunks.push(chunk);
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, output: Buffer.concat(chunks).toString() };
}

/** @returns false where the signal came first */
export async function pause(seconds: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}
