import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cost {
  /** User and system seconds of the whole process. */
  readonly cpuSeconds: number;
  /** Most anonymous memory, sampled every 20 ms. */
  readonly anonymousBytes: number;
}

const SAMPLE_MS = 20;
const LONGEST_MS = 15 * 60_000;

/**
 * Runs a command to its end.
 * @throws Error when it cannot be started, fails or takes longer than 15 minutes
 */
export function measure(command: readonly string[]): Promise<Cost> {
  return new Promise((resolve, reject) => {
    // The shell waits for the command and says what it and its children used.
    const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
    const child = spawn('bash', ['-c', script, 'bench', ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LONGEST_MS,
    });
    let anonymousBytes = 0;
    let times = '';
    const timer = setInterval(() => {
      anonymousBytes = Math.max(anonymousBytes, anonymousOfChildren(child.pid!));
    }, SAMPLE_MS);
    child.stderr.on('data', (text: Buffer) => (times += text.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      const [user, system] = times.trim().split('\n').pop()!.split(' ').map(Number);
      if (code !== 0 || user === undefined || system === undefined) {
        reject(new Error(`'${command.join(' ')}' ended with code ${code}: ${times.trim()}`));
      } else {
        resolve({ cpuSeconds: user + system, anonymousBytes });
      }
    });
  });
}

function anonymousOfChildren(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children
      .split(' ')
      .filter((child) => child !== '')
      .reduce((sum, child) => sum + anonymousOf(child), 0);
  } catch {
    return 0; // it has ended meanwhile
  }
}

function anonymousOf(pid: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/RssAnon:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
