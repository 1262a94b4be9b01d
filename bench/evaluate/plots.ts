/** Plots as inline SVG, without a library: what is drawn is what the tables say. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly isLog?: boolean;
}

export interface LinePlot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 560;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 150;
const TOP = 34;
const BOTTOM = 46;
const ROW = 22;
const LABEL_WIDTH = 190;
const COLOURS = ['#c2410c', '#1d4ed8', '#15803d', '#7e22ce', '#0e7490', '#a16207', '#4b5563'];
const TICKS = 5;

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

export function linePlot({ title, x, y, series }: LinePlot): string {
  const atX = scaleOf(x, LEFT, WIDTH - RIGHT);
  const atY = scaleOf(y, HEIGHT - BOTTOM, TOP);
  const lines = series.map(({ points, isDashed }, i) => {
    const path = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`).join(' ');
    const dash = isDashed === true ? ' stroke-dasharray="5 4"' : '';
    return `<polyline points="${path}" fill="none" stroke="${colourOf(i)}" stroke-width="2"${dash}/>`;
  });
  const legend = series.map(({ name, isDashed }, i) => {
    const [from, to, at] = [WIDTH - RIGHT + 12, WIDTH - RIGHT + 34, TOP + 10 + 18 * i];
    const dash = isDashed === true ? ' stroke-dasharray="5 4"' : '';
    return (
      `<line x1="${from}" x2="${to}" y1="${at}" y2="${at}" stroke="${colourOf(i)}" stroke-width="3"${dash}/>` +
      text(to + 6, at + 4, name)
    );
  });
  return svg(WIDTH, HEIGHT, [
    text(LEFT, 18, title, 'class="title"'),
    ...ticksOf(x).map((tick) => vertical(atX(tick), labelOf(tick))),
    ...ticksOf(y).map((tick) => horizontal(atY(tick), labelOf(tick))),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x.label, 'text-anchor="middle"'),
    text(0, 0, y.label, `text-anchor="middle" transform="translate(14 ${HEIGHT / 2}) rotate(-90)"`),
    ...lines,
    ...legend,
  ]);
}

export interface DotRow {
  readonly label: string;
  readonly values: readonly number[];
  /** How many have no value: they are said at the right. */
  readonly missing: number;
}

/** A row of dots for each label, its median a bar. */
export function dotPlot(title: string, x: Axis, rows: readonly DotRow[]): string {
  const width = WIDTH + 60;
  const right = width - 90;
  const height = TOP + ROW * rows.length + BOTTOM;
  const atX = scaleOf(x, LABEL_WIDTH, right);
  const marks = rows.flatMap(({ label, values, missing }, i) => {
    const y = TOP + ROW * i + ROW / 2;
    const sorted = values.toSorted((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    const dots = values.map(
      (value) =>
        `<circle cx="${atX(value).toFixed(1)}" cy="${y}" r="4" fill="${COLOURS[1]}" fill-opacity="0.55"/>`,
    );
    const bar =
      median === undefined
        ? ''
        : `<line x1="${atX(median)}" x2="${atX(median)}" y1="${y - 8}" y2="${y + 8}" stroke="${COLOURS[0]}" stroke-width="2.5"/>`;
    return [
      text(LABEL_WIDTH - 8, y + 4, label, 'text-anchor="end"'),
      `<line x1="${LABEL_WIDTH}" x2="${right}" y1="${y}" y2="${y}" class="grid"/>`,
      ...dots,
      bar,
      missing > 0 ? text(right + 8, y + 4, `${missing} missed`, 'class="missed"') : '',
    ];
  });
  const bottom = TOP + ROW * rows.length;
  return svg(width, height, [
    text(8, 18, title, 'class="title"'),
    ...ticksOf(x).map(
      (tick) =>
        `<line x1="${atX(tick)}" x2="${atX(tick)}" y1="${TOP}" y2="${bottom}" class="grid"/>` +
        text(atX(tick), bottom + 16, labelOf(tick), 'text-anchor="middle"'),
    ),
    text((LABEL_WIDTH + right) / 2, height - 8, x.label, 'text-anchor="middle"'),
    ...marks,
  ]);
}

const colourOf = (i: number): string => COLOURS[i % COLOURS.length]!;

/** What is outside of the axis is drawn at its end. */
function scaleOf(axis: Axis, low: number, high: number): (value: number) => number {
  const turn = (value: number): number => (axis.isLog === true ? Math.log10(value) : value);
  const [from, to] = [turn(axis.from), turn(axis.to)];
  return (value) => {
    const inside = Math.min(axis.to, Math.max(axis.from, value));
    return low + ((turn(inside) - from) / (to - from)) * (high - low);
  };
}

function ticksOf({ from, to, isLog }: Axis): number[] {
  if (isLog !== true) {
    return Array.from({ length: TICKS + 1 }, (_, i) => from + ((to - from) * i) / TICKS);
  }
  const [first, last] = [Math.ceil(Math.log10(from)), Math.floor(Math.log10(to) + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

function labelOf(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.01 || size >= 1e5)) return value.toExponential(0).replace('e+', 'e');
  return String(Math.round(value * 100) / 100);
}

const vertical = (x: number, label: string): string =>
  `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="grid"/>` +
  text(x, HEIGHT - BOTTOM + 16, label, 'text-anchor="middle"');

const horizontal = (y: number, label: string): string =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" class="grid"/>` +
  text(LEFT - 6, y + 4, label, 'text-anchor="end"');

const text = (x: number, y: number, what: string, attributes = ''): string =>
  `<text x="${x}" y="${y}" ${attributes}>${escapeHtml(what)}</text>`;

const svg = (width: number, height: number, parts: readonly string[]): string =>
  `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">${parts.join('')}</svg>`;
