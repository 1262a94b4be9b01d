import { readFileSync, writeFileSync } from 'node:fs';
import prettier from 'prettier';

const BEGIN = '<!-- evaluate: begin -->';
const END = '<!-- evaluate: end -->';

/** Puts text between the marker lines of a Markdown file; at its end where there are none. */
export async function writeResults(path: string, text: string): Promise<void> {
  const old = readFileSync(path, 'utf8');
  const made = between(old, text);
  const config = await prettier.resolveConfig(path, { editorconfig: true });
  writeFileSync(path, await prettier.format(made, { ...config, parser: 'markdown' }));
}

/** @throws Error when only one of the markers is there */
export function between(old: string, text: string): string {
  const part = `${BEGIN}\n\n${text}\n\n${END}`;
  const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (begin < 0 && end < 0) return `${old.trimEnd()}\n\n## Detection\n\n${part}\n`;
  if (begin < 0 || end < begin) throw new Error('The marker lines of the results do not pair.');
  return `${old.slice(0, begin)}${part}${old.slice(end + END.length)}`;
}
