import type { KeyObject } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { closedLogs } from './decision_files.js';
import { FIRST_HASH, hashOf, isSigned, takeApart, type DecisionEntry } from './decision_line.js';
import { readHead } from './decision_log.js';
import type { ResponseFiles } from './response_files.js';

/** A log that was read from its first line to its last. */
export interface Checked {
  readonly entries: number;
  /** Of the last entry: note it elsewhere, and no later log can deny it. */
  readonly hash: string;
  /** One sentence on the first thing that is wrong; null: nothing. */
  readonly fault: string | null;
}

/**
 * Reads a decision log, closed files first, and checks each line against the one before it, its signature and the head.
 * A last line without an end is one that is just being written, or was torn by a crash.
 * @param onEntry called with each entry that is good
 * @throws ThymusError LOG_DAMAGED when the head cannot be read
 */
export async function checkDecisions(
  files: Pick<ResponseFiles, 'directory' | 'log' | 'head'>,
  key: KeyObject,
  onEntry: (entry: DecisionEntry) => void = () => undefined,
): Promise<Checked> {
  // First, so that a log that grows meanwhile is longer than the head says, and never shorter.
  const head = readHead(files.head);
  let hash = FIRST_HASH;
  let entries = 0;
  let hashAtHead = head?.number === 0 ? FIRST_HASH : null;
  const wrong = (fault: string): Checked => ({ entries, hash, fault });
  for await (const text of wholeLines(files)) {
    const line = takeApart(text);
    const at = `Entry ${entries + 1}`;
    if (line === null) return wrong(`${at} is not a line of the log.`);
    if (hashOf(hash, line.body) !== line.hash) {
      return wrong(`${at} was changed, or an entry before it was taken away or put in.`);
    }
    if (!isSigned(line, key)) return wrong(`${at} is not signed by the key of this log.`);
    const entry = JSON.parse(line.body) as DecisionEntry;
    if (entry.number !== entries + 1) return wrong(`${at} has the number ${entry.number}.`);
    entries++;
    hash = line.hash;
    if (entries === head?.number) hashAtHead = hash;
    onEntry(entry);
  }
  if (head === null) return wrong('The head is missing, so entries may have been cut off.');
  if (!isSigned(head.line, key)) return wrong('The head is not signed by the key of this log.');
  if (head.number > entries) {
    return wrong(
      `The log was cut: its head promises ${head.number} entries, ${entries} are there.`,
    );
  }
  if (hashAtHead !== head.hash) return wrong('The head belongs to another log.');
  return { entries, hash, fault: null };
}

type LogFiles = Pick<ResponseFiles, 'directory' | 'log'>;

async function* wholeLines(files: LogFiles): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  // Files are one text: what stands behind the last line of one spoils the first of the next.
  for await (const chunk of chunks(files)) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
}

/**
 * The files of the log in their order, also while one is being closed: the open one is taken before
 * it can get another name, and then known by its number in the file system.
 */
async function* chunks(files: LogFiles): AsyncGenerator<Buffer> {
  const current = await openIfThere(files.log);
  try {
    const { ino } = (await current?.stat()) ?? { ino: -1 };
    for (const path of closedLogs(files)) {
      const closed = await open(path);
      try {
        if ((await closed.stat()).ino === ino) break;
        yield* closed.createReadStream({ autoClose: false });
      } finally {
        await closed.close();
      }
    }
    if (current !== null) yield* current.createReadStream({ autoClose: false });
  } finally {
    await current?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
