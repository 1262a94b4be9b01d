/** Figures as tables show them; NaN is a dash. */
export const number = (value: number, digits = 3): string =>
  Number.isNaN(value) ? '–' : value.toFixed(digits);

export const percent = (value: number): string =>
  Number.isNaN(value) ? '–' : `${(100 * value).toFixed(0)} %`;

export const range = ([low, high]: readonly [number, number]): string =>
  Number.isNaN(low) ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;

export function seconds(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value < 10 ? `${value.toFixed(1)} s` : `${value.toFixed(0)} s`;
}

/** 1, 1/4 or 1/20 of a tool's pace. */
export const pace = (intensity: number): string =>
  intensity === 1 ? '1x' : `1/${Math.round(1 / intensity)}x`;

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that are text; the others are figures. */
  readonly texts: number;
}

export function markdownOf({ head, rows, texts }: Table): string {
  const rule = head.map((_, i) => (i < texts ? '---' : '---:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
