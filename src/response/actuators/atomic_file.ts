import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file as a whole: after a power cut it is the old or the new one. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  const draft = `${path}.new`;
  try {
    const file = await open(draft, 'w', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns null where there is no such file */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** One sentence for a file that cannot be read or written. */
export function whyNotWritten(path: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const cures: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full: make room',
    EDQUOT: 'the quota of the disk is used up: make room',
    EACCES: 'no rights: let the user that thymus runs as write there',
    EROFS: 'the file system is read-only: choose another place',
    ENOENT: 'there is no such folder: make it',
  };
  return `Cannot write '${path}' (${cures[code] ?? message.split('\n', 1)[0]!}).`;
}
