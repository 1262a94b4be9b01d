import { readFileSync, writeFileSync } from 'node:fs';
import prettier from 'prettier';

/** A part of the results that one command writes. */
export interface ResultsPart {
  /** Of its marker lines. */
  readonly marker: string;
  /** Where it stands when it is written for the first time. */
  readonly heading: string;
  readonly text: string;
}

/** Puts a part between its marker lines in a Markdown file; at its end where there are none. */
export async function writeResults(path: string, part: ResultsPart): Promise<void> {
  const made = between(readFileSync(path, 'utf8'), part);
  const config = await prettier.resolveConfig(path, { editorconfig: true });
  writeFileSync(path, await prettier.format(made, { ...config, parser: 'markdown' }));
}

/** @throws Error when only one of the markers is there */
export function between(old: string, { marker, heading, text }: ResultsPart): string {
  const [first, last] = [`<!-- ${marker}: begin -->`, `<!-- ${marker}: end -->`];
  const made = `${first}\n\n${text}\n\n${last}`;
  const [begin, end] = [old.indexOf(first), old.indexOf(last)];
  if (begin < 0 && end < 0) return `${old.trimEnd()}\n\n## ${heading}\n\n${made}\n`;
  if (begin < 0 || end < begin) throw new Error('The marker lines of the results do not pair.');
  return `${old.slice(0, begin)}${made}${old.slice(end + last.length)}`;
}
