/** How text may look: colours are no-ops where they are not wanted. */
export interface Ink {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly green: (text: string) => string;
}

export interface Look {
  /** Columns, 60 to 100. */
  readonly width: number;
  readonly ink: Ink;
}

const MIN_WIDTH = 60;
const MAX_WIDTH = 100;
const plain = (text: string): string => text;
const sgr =
  (code: number) =>
  (text: string): string =>
    `\x1b[${code}m${text}\x1b[0m`;

export const PLAIN_INK: Ink = {
  bold: plain,
  dim: plain,
  red: plain,
  yellow: plain,
  cyan: plain,
  green: plain,
};

export const COLOUR_INK: Ink = {
  bold: sgr(1),
  dim: sgr(2),
  red: sgr(31),
  yellow: sgr(33),
  cyan: sgr(36),
  green: sgr(32),
};

/** Colours only on a terminal, and not when NO_COLOR is set or the terminal is dumb. */
export function lookOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  environment: NodeJS.ProcessEnv,
): Look {
  const terminal = stream.isTTY === true;
  const colour = terminal && !environment.NO_COLOR && environment.TERM !== 'dumb';
  const columns = (terminal ? stream.columns : undefined) || MAX_WIDTH;
  return {
    width: Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, columns)),
    ink: colour ? COLOUR_INK : PLAIN_INK,
  };
}

/** Cuts to `width` columns; what is cut shows as "…". */
export function fitted(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

export interface WrapOptions {
  readonly width: number;
  /** Before the first line; default none. */
  readonly first?: string;
  /** Before every other line; default as many blanks as `first` has. */
  readonly rest?: string;
}

/** Breaks text at blanks. A word that is longer than a line stands on a line of its own. */
export function wrapped(text: string, options: WrapOptions): string[] {
  const { width, first = '', rest = ' '.repeat(first.length) } = options;
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

const COLUMN_GAP = '  ';

/**
 * Rows under their titles: lines without colour. The first is the titles. When the table would be
 * wider than `width`, the texts of the first column are broken into several lines.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const cells = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const excess = sum(widths) + COLUMN_GAP.length * (columns.length - 1) - width;
  if (excess > 0) widths[0] = Math.max(columns[0]!.title.length, widths[0]! - excess);
  return cells.flatMap((row) => rowLines(row, columns, widths));
}

function rowLines(
  row: readonly string[],
  columns: readonly Column[],
  widths: readonly number[],
): string[] {
  const [head, ...more] = wrapped(row[0]!, { width: widths[0]! });
  const line = [head!, ...row.slice(1)]
    .map((text, i) =>
      columns[i]!.align === 'left' ? text.padEnd(widths[i]!) : text.padStart(widths[i]!),
    )
    .join(COLUMN_GAP)
    .trimEnd();
  return [line, ...more];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
