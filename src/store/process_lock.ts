import { spawnSync } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { outputFailed } from './output_error.js';

/** Who holds a lock. */
export interface LockOwner {
  readonly pid: number;
  /** When it was started, in ticks since the machine was: a later process may have its number. */
  readonly startTicks: string;
}

const { O_CREAT, O_RDWR } = constants;
const FLOCK_FD = 3;
const START_TICKS_FIELD = 19;

/**
 * A lock that one process holds and the kernel lets go of when it dies, however it dies. Its file
 * says who that is.
 */
export class ProcessLock {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * @returns null when another process holds it
   * @throws ThymusError OUTPUT_FAILED
   */
  static take(path: string): ProcessLock | null {
    let fd: number | null = null;
    try {
      fd = openSync(path, O_RDWR | O_CREAT, 0o600);
      // The program locks the open file that it shares with this process, and leaves it locked.
      const stdio = ['ignore', 'ignore', 'ignore', fd] as const;
      const { status, error } = spawnSync('flock', ['-xn', String(FLOCK_FD)], {
        stdio: [...stdio],
      });
      if (error !== undefined) throw error;
      if (status !== 0) {
        closeSync(fd);
        return null;
      }
      // In place, which also goes on a full disk.
      const owner = Buffer.from(`${process.pid} ${startTicks(process.pid) ?? ''}\n`);
      writeSync(fd, owner, 0, owner.length, 0);
      ftruncateSync(fd, owner.length);
      return new ProcessLock(fd);
    } catch (error) {
      if (fd !== null) closeSync(fd);
      throw outputFailed(path, error);
    }
  }

  release(): void {
    closeSync(this.#fd);
  }
}

/** The process that wrote itself into a lock last and still lives; null when there is none. */
export function lockOwner(path: string): LockOwner | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const match = /^(\d+) (\d+)\n$/.exec(text);
  if (match === null) return null;
  const owner = { pid: Number(match[1]), startTicks: match[2]! };
  return startTicks(owner.pid) === owner.startTicks ? owner : null;
}

/** @returns null when there is no such process */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program may hold anything, and ends with the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A dead process whose parent has not looked holds no lock.
    return fields[0] === 'Z' ? null : (fields[START_TICKS_FIELD] ?? null);
  } catch {
    return null;
  }
}
