import type { CalibrationPoint, NoiseWorld } from './calibration.js';
import type { Split } from './data_set.js';
import type { SplitFigures } from './figures.js';
import { dotPlot, escapeHtml, linePlot, type Series } from './plots.js';
import type { Experiment } from './robustness/experiment.js';
import { alarmTable, attackTable, methodTable, noiseTable, sentenceOf, titleOf } from './tables.js';
import { markdownOf, pace, type Table } from './words.js';

/** Where figures come from. */
export interface Origin {
  readonly command: string;
  readonly commit: string;
}

/** Everything that one evaluation came to. */
export interface Evaluation extends Origin {
  readonly set: string;
  readonly splits: readonly SplitFigures[];
  readonly calibration: readonly {
    readonly name: string;
    readonly points: readonly CalibrationPoint[];
  }[];
  readonly noise: readonly NoiseWorld[];
}

const SPLIT_TITLES: Readonly<Record<Split, string>> = {
  tune: 'Captures for tuning',
  test: 'Captures for test',
};

const RULES = [
  'A unit is an address in a tick of five seconds in which it was active. A tick in which it sent packets of an attack is a hit to be found; ticks of victims, and of attackers after their attack, count neither way.',
  'A lane is judged on the attacks that it is for and on everything benign. Kitsune learns from the packets before the first attack of each capture, thymus from the other benign captures of the same split, as if they were of an earlier week; with --no-history from nothing.',
  'The one threshold of thymus is its budget, one false incident a day per 1,000 devices; nothing was chosen on captures for test, whose tools and seeds are others than those for tuning.',
  'Intervals are those of captures drawn anew. A false positive rate is left open where there are too few units to see it.',
];
const NOISE =
  'Worlds of noise: alarms of one lane at one in 10,000 ticks, fifty entities for a day, when p-values depend on those before.';
const FPR_LEAST = 1e-4;

/** One file with everything in it. */
export function htmlReport(evaluation: Evaluation): string {
  const rules = RULES.map((rule) => `<li>${escapeHtml(rule)}</li>`).join('');
  const sections = [...evaluation.splits.map(splitSection), calibrationSection(evaluation)];
  const about = `Set ${evaluation.set}, ${originOf(evaluation)}.`;
  return page('Evaluation', about, [`<ul>${rules}</ul>`, ...sections]);
}

/** The same of experiments on robustness. */
export function robustnessReport(experiments: readonly Experiment[], origin: Origin): string {
  return page('Robustness', `${originOf(origin)}.`, experiments.map(experimentSection));
}

const originOf = ({ command, commit }: Origin): string => `commit ${commit}, ${command}`;

function page(title: string, about: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>thymus: ${title.toLowerCase()}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<p>${escapeHtml(about)}</p>
${sections.join('\n')}
</html>
`;
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; color: #1c1917; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d6d3d1; padding-bottom: .3rem; }
table { border-collapse: collapse; margin: .8rem 0 1.2rem; font-size: 13.5px; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #e7e5e4; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #a8a29e; } .t { text-align: left; }
svg { font: 12px system-ui, sans-serif; margin: .5rem 1rem .5rem 0; } svg text { fill: #292524; }
svg .title { font-weight: 600; font-size: 13px; } .grid { stroke: #e7e5e4; } svg .missed { fill: #b91c1c; }
li { margin: .2rem 0; } code { font-size: 13px; }`;

function splitSection(figures: SplitFigures): string {
  return [
    `<h2>${SPLIT_TITLES[figures.split]}</h2><p>${escapeHtml(sentenceOf(figures))}</p>`,
    '<h3>Methods</h3>',
    htmlTable(methodTable(figures.methods)),
    rocPlot('ROC of methods', figures.methods),
    figures.lanes.length > 0 ? rocPlot('ROC of lanes, each on its attacks', figures.lanes) : '',
    figures.lanes.length > 0 ? `<h3>Lanes</h3>${htmlTable(methodTable(figures.lanes))}` : '',
    '<h3>Incidents</h3>',
    htmlTable(attackTable(figures.attacks)),
    delayPlot(figures),
    '<h3>Alarms at own thresholds</h3>',
    htmlTable(alarmTable(figures)),
  ].join('\n');
}

function rocPlot(title: string, methods: SplitFigures['methods']): string {
  return linePlot({
    title,
    x: { label: 'false positive rate', from: FPR_LEAST, to: 1, isLog: true },
    y: { label: 'true positive rate', from: 0, to: 1 },
    series: methods
      .filter(({ roc }) => roc.length > 0)
      .map(({ method, roc }, i): Series => {
        return { name: method, points: steps(roc), isDashed: i >= 7 };
      }),
  });
}

/** A threshold between two points gives the lower one. */
function steps(roc: SplitFigures['methods'][number]['roc']): [number, number][] {
  return roc.flatMap(({ fpr, tpr }, i): [number, number][] => {
    const before = roc[i - 1];
    return before === undefined
      ? [[fpr, tpr]]
      : [
          [fpr, before.tpr],
          [fpr, tpr],
        ];
  });
}

function delayPlot({ attacks, outcomes }: SplitFigures): string {
  if (attacks.length === 0) return '';
  const rows = attacks.map(({ kind, intensity }) => {
    const own = outcomes.filter(
      ({ incident }) => incident.kind === kind && incident.intensity === intensity,
    );
    const values = own.flatMap(({ found }) =>
      found === null ? [] : [Math.max(0.01, found.delayS)],
    );
    const label = `${titleOf(kind)}, ${pace(intensity)}`;
    return { label, values, missing: own.length - values.length };
  });
  const x = {
    label: 'seconds from the first packet to the incident',
    from: 0.01,
    to: 1000,
    isLog: true,
  };
  return dotPlot('Delay of detection', x, rows);
}

function calibrationSection({ calibration, noise }: Evaluation): string {
  const most = Math.max(1, ...calibration.flatMap(({ points }) => points.map((p) => p.allowed)));
  const series = calibration.flatMap(({ name, points }): Series[] => [
    { name: `${name}: seen`, points: points.map(({ h, seen }) => [h, Math.max(seen, 0.01)]) },
    { name: `${name}: allowed`, points: points.map((p) => [p.h, p.allowed]), isDashed: true },
  ]);
  return [
    '<h2>Calibration</h2><p>Entities of benign worlds whose wealth came to e^h, against how many may; none is drawn at 0.01. The budget stands at h = 16.67.</p>',
    linePlot({
      title: 'Entities that reach a wealth while nothing is wrong',
      x: { label: 'h (nats)', from: 3, to: 16 },
      y: { label: 'entities', from: 0.01, to: 10 ** Math.ceil(Math.log10(most)), isLog: true },
      series,
    }),
    `<p>${NOISE}</p>`,
    htmlTable(noiseTable(noise)),
  ].join('\n');
}

function experimentSection({ title, text, table, plot }: Experiment): string {
  return [
    `<h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p>`,
    htmlTable(table),
    plot === null ? '' : linePlot(plot),
  ].join('\n');
}

function htmlTable({ head, rows, texts }: Table): string {
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell, i) => `<${tag}${i < texts ? ' class="t"' : ''}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

/** The part of bench/RESULTS.md that an evaluation writes. */
export function resultsText(evaluation: Evaluation): string {
  const { splits, noise } = evaluation;
  const parts = [
    `\`${evaluation.command}\` at ${evaluation.commit}, set ${evaluation.set}.`,
    RULES.join('\n'),
    ...splits.flatMap((figures) => [
      `### ${SPLIT_TITLES[figures.split]}`,
      sentenceOf(figures),
      markdownOf(methodTable(figures.methods)),
      ...(figures.lanes.length > 0 ? [markdownOf(methodTable(figures.lanes))] : []),
      ...(figures.attacks.length > 0 ? [markdownOf(attackTable(figures.attacks))] : []),
      markdownOf(alarmTable(figures)),
    ]),
    '### Noise',
    NOISE,
    markdownOf(noiseTable(noise)),
  ];
  return parts.join('\n\n');
}

/** The same of experiments on robustness. */
export function robustnessText(experiments: readonly Experiment[], origin: Origin): string {
  const parts = [
    `\`${origin.command}\` at ${origin.commit}.`,
    ...experiments.flatMap(({ title, text, table }) => [`### ${title}`, text, markdownOf(table)]),
  ];
  return parts.join('\n\n');
}
