import { setTimeout as sleep } from 'node:timers/promises';
import { ResponderClient } from '../api/responder_client.js';
import { ThymusError } from '../errors.js';
import type { Actuator } from '../response/actuators/actuator.js';
import { lockOwner } from '../store/process_lock.js';
import type { ResponseFiles } from '../store/response_files.js';
import { holderText, openDesk, type Desk } from './response_desk.js';

/** A responder that does not answer a greeting by then hangs. */
const ASK_MS = 1000;
/** One that does is given the time that its actuators may need. */
const WITHDRAW_MS = 6000;
const ROUNDS = 5;
const LOCK_MS = 400;
const LOCK_AGAIN_MS = 10;

export interface PanicOptions {
  readonly files: ResponseFiles;
  /** Opened only where the responder does not do it. */
  readonly actuators: () => readonly Actuator[];
  readonly by: string;
}

/** How it went. */
export interface PanicResult {
  /** Who withdrew. */
  readonly through: 'responder' | 'journal';
  /** Number of a process that did not answer and was ended. */
  readonly killed: number | null;
  /** One sentence for each thing that is still in force, or that people should know. */
  readonly left: readonly string[];
}

/**
 * Withdraws everything and keeps anything new from being applied: through the responder where it
 * answers a greeting within a second and can do it, else by ending it and withdrawing what its
 * journal and the actuators say.
 * @throws ThymusError RESPONDER_BUSY when its files cannot be had
 */
export async function panicAll(options: PanicOptions): Promise<PanicResult> {
  const { files, by } = options;
  let killed: number | null = null;
  // Whoever watches over the responder may start another one meanwhile, which is asked in turn.
  for (let round = 0; round < ROUNDS; round++) {
    const said = await askResponder(files.socket, by);
    if (said !== null) return { through: 'responder', killed, left: said === '' ? [] : [said] };
    killed = kill(files) ?? killed;
    const desk = await takeOver(options);
    if (desk === null) continue;
    try {
      const left = await desk.responder.panic(by);
      return { through: 'journal', killed, left: [...desk.notes, ...left] };
    } finally {
      desk.close();
    }
  }
  throw new ThymusError('RESPONDER_BUSY', `${holderText(files)} Try again.`);
}

/** @returns what it said; null when it did not answer in time, or cannot do it */
async function askResponder(path: string, by: string): Promise<string | null> {
  const client = await connected(path);
  if (client === null) return null;
  try {
    return (await client.panic(by, WITHDRAW_MS)).text;
  } catch (error) {
    if (error instanceof ThymusError && error.code === 'REFUSED') throw error;
    return null;
  } finally {
    client.close();
  }
}

/** @returns null also where it is one of another version */
async function connected(path: string): Promise<ResponderClient | null> {
  try {
    return await ResponderClient.connect({ path, role: 'cli', answerMs: ASK_MS });
  } catch (error) {
    if (error instanceof ThymusError) return null;
    throw error;
  }
}

function kill(files: ResponseFiles): number | null {
  const owner = lockOwner(files.lock);
  if (owner === null) return null;
  try {
    process.kill(owner.pid, 'SIGKILL');
    return owner.pid;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // It has gone by itself.
    if (code === 'ESRCH') return null;
    const message = `Process ${owner.pid} responds and cannot be ended (${code}): use its owner's rights.`;
    throw new ThymusError('RESPONDER_BUSY', message, { cause });
  }
}

async function takeOver({ files, actuators }: PanicOptions): Promise<Desk | null> {
  for (let waitedMs = 0; waitedMs < LOCK_MS; waitedMs += LOCK_AGAIN_MS) {
    const desk = await openDesk({ files, actuators: actuators() });
    if (desk !== null) return desk;
    await sleep(LOCK_AGAIN_MS);
  }
  return null;
}
