import { ThymusError } from '../errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is missing; choose another place or change its rights',
  EPERM: 'permission is missing; choose another place or change its rights',
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; free some space and run again',
  EDQUOT: 'the disk quota is used up; free some space and run again',
  EFBIG: 'the file would be larger than is allowed here; choose another place',
  ENOENT: 'its directory does not exist; create it first',
  ENOTDIR: 'a part of its path is no directory; check the path',
  EISDIR: 'it is a directory; name a file',
  EEXIST: 'a file is in the way; choose another place',
  EPIPE: 'the reader at the other end went away',
  EMFILE: 'too many files are open; raise the limit with ulimit -n',
};

/** What a failed system call on `path` means, as the one sentence for the user. */
export function outputFailed(path: string, cause: unknown): ThymusError {
  if (cause instanceof ThymusError) return cause;
  const error = cause as NodeJS.ErrnoException;
  const reason = REASONS[error.code ?? codeInText(error)] ?? firstLine(error);
  return new ThymusError('OUTPUT_FAILED', `Cannot write ${path}: ${reason}.`, { cause });
}

/** The database tells the system's reason in its text only. */
function codeInText(error: Error): string {
  const text = error.message;
  if (/No space left on device/i.test(text)) return 'ENOSPC';
  return /Permission denied/i.test(text) ? 'EACCES' : '';
}

function firstLine(error: Error): string {
  return error.message.split('\n', 1)[0]!.replace(/\.$/, '');
}
