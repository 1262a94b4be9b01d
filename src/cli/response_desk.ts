import { renameSync } from 'node:fs';
import { ThymusError } from '../errors.js';
import type { Action } from '../response/action_book.js';
import type { Actuator } from '../response/actuators/actuator.js';
import { BootClock } from '../response/clock.js';
import { Responder } from '../response/responder.js';
import { ActionJournal } from '../store/action_journal.js';
import { closedLogs } from '../store/decision_files.js';
import { DecisionLog } from '../store/decision_log.js';
import { makePrivateDirectory } from '../store/durable.js';
import { signingKey } from '../store/log_key.js';
import { ProcessLock, lockOwner } from '../store/process_lock.js';
import type { ResponseFiles } from '../store/response_files.js';

export interface DeskOptions {
  readonly files: ResponseFiles;
  readonly actuators: readonly Actuator[];
  readonly onChange?: (action: Action) => void;
}

/** A responder with its journal and its log, in the one process that may have them. */
export interface Desk {
  readonly responder: Responder;
  readonly clock: BootClock;
  /** One sentence for each file that was damaged and was set aside. */
  readonly notes: readonly string[];
  close(): void;
}

/**
 * Opens the files of the responder. A damaged file must not keep what is in force from being
 * withdrawn: the log is set aside and a new one begun, which says so; with the journal everything in
 * force is withdrawn, since nobody knows any more how long it may stay.
 * @returns null when another process has them
 * @throws ThymusError OUTPUT_FAILED, USAGE
 */
export async function openDesk(options: DeskOptions): Promise<Desk | null> {
  const { files } = options;
  makePrivateDirectory(files.directory);
  const lock = ProcessLock.take(files.lock);
  if (lock === null) return null;
  try {
    return await open(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function open({ files, actuators, onChange }: DeskOptions, lock: ProcessLock): Promise<Desk> {
  const notes: string[] = [];
  const clock = new BootClock();
  const key = signingKey(files);
  const log = await openOrSetAside('LOG_DAMAGED', [files.log, files.head, ...closedLogs(files)], {
    open: () => DecisionLog.open(files, key),
    onDamage: (text) => void notes.push(text),
  });
  const journal = await openOrSetAside('JOURNAL_DAMAGED', [files.journal], {
    open: () => ActionJournal.open(files.journal),
    onDamage: async (text) => void notes.push(text, ...(await withdrawAll(actuators))),
  }).catch((error: unknown) => {
    log.close();
    throw error;
  });
  for (const text of notes) log.add({ kind: 'difference', text }, clock.now().wallMs);
  const change = onChange === undefined ? {} : { onChange };
  const responder = new Responder({ journal, log, clock, actuators, ...change });
  return {
    responder,
    clock,
    notes,
    close: () => {
      journal.close();
      log.close();
      lock.release();
    },
  };
}

/** Who has the files of the responder, as a sentence. */
export function holderText(files: ResponseFiles): string {
  const owner = lockOwner(files.lock);
  return owner === null ? 'A responder runs here already.' : `Process ${owner.pid} responds here.`;
}

async function withdrawAll(actuators: readonly Actuator[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const actuator of actuators) {
    const outcome = await actuator.panic();
    if (!outcome.ok) faults.push(outcome.reason);
  }
  return [...faults, 'Everything in force was withdrawn.'];
}

interface Opening<T> {
  readonly open: () => T;
  /** Before a new one is begun, which a full disk may not allow. */
  readonly onDamage: (text: string) => Promise<void> | void;
}

async function openOrSetAside<T>(
  damage: ThymusError['code'],
  paths: readonly string[],
  { open, onDamage }: Opening<T>,
): Promise<T> {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof ThymusError) || error.code !== damage) throw error;
    const aside = `damaged-${Date.now()}`;
    for (const path of paths) moveAway(path, `${path}.${aside}`);
    await onDamage(`${error.message} It was set aside as ${aside}.`);
    return open();
  }
}

function moveAway(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
