/*
 * How well detection works, on captures with truth; see bench/README.md.
 *
 *   npm run evaluate -- [--set DIR] [--only REGEX] [--robustness] [--no-baselines] [--out DIR]
 *
 *   --set           a labelled data set of `npm run lab`, or of the form of pcaps/ (the default)
 *   --only          captures whose names match
 *   --robustness    the experiments of attackers who know the detectors, too (some minutes)
 *   --no-baselines  thymus alone
 *   --out           where report.html goes (build/evaluate)
 *   --no-results    leave bench/RESULTS.md as it is
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benignPeaks, calibrationOf, noiseWorlds } from './calibration.js';
import { capturesOf, type Split } from './data_set.js';
import { figuresOf } from './figures.js';
import { judgeCapture, type CaptureResult } from './judge_capture.js';
import { htmlReport, resultsText, type Evaluation } from './report.js';
import { writeResults } from './results_file.js';
import { EXPERIMENTS } from './robustness/index.js';

const RESULTS = 'bench/RESULTS.md';
const SPLITS: readonly Split[] = ['tune', 'test'];
const WORLD_SEEDS = [1, 2, 3];
const WORLD_HOURS = 4;

const { values } = parseArgs({
  options: {
    set: { type: 'string', default: 'pcaps' },
    only: { type: 'string', default: '' },
    out: { type: 'string', default: 'build/evaluate' },
    robustness: { type: 'boolean', default: false },
    'no-baselines': { type: 'boolean', default: false },
    'no-results': { type: 'boolean', default: false },
  },
});

const results = await judgeAll();
const evaluation: Evaluation = {
  set: basename(values.set),
  command: ['npm run evaluate', ...given()].join(' '),
  commit: commitOf(),
  splits: SPLITS.map((split) => results.filter(({ capture }) => capture.split === split))
    .filter((ofSplit) => ofSplit.length > 0)
    .map((ofSplit) => figuresOf(ofSplit[0]!.capture.split, ofSplit)),
  calibration: [{ name: 'worlds', points: calibrationOf(step('benign worlds', worldPeaks)) }],
  noise: step('worlds of noise', noiseWorlds),
  experiments: values.robustness ? EXPERIMENTS.map(({ name, run }) => step(name, run)) : [],
};
mkdirSync(values.out, { recursive: true });
const report = join(values.out, 'report.html');
writeFileSync(report, htmlReport(evaluation));
if (!values['no-results']) await writeResults(RESULTS, resultsText(evaluation));
console.log(`${report} is written${values['no-results'] ? '' : `, and ${RESULTS}`}.`);

async function judgeAll(): Promise<CaptureResult[]> {
  const only = new RegExp(values.only);
  const judged: CaptureResult[] = [];
  for (const { name, open } of capturesOf(values.set)) {
    if (!only.test(name)) continue;
    const result = await judgeCapture(open(), { withBaselines: !values['no-baselines'] });
    const found = result.outcomes.filter((outcome) => outcome.found !== null).length;
    const told = `${found}/${result.outcomes.length} attacks, ${result.falses.length} false`;
    console.log(`${name}: ${result.packets} packets, ${told}`);
    for (const { summary } of result.falses) console.log(`  false: ${summary}`);
    judged.push(result);
  }
  if (judged.length === 0) throw new Error(`No capture of ${values.set} matches.`);
  return judged;
}

function worldPeaks(): ReturnType<typeof benignPeaks> {
  return benignPeaks(WORLD_SEEDS, WORLD_HOURS);
}

function step<T>(name: string, run: () => T): T {
  const startMs = performance.now();
  const result = run();
  console.log(`${name}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

/** The arguments, without where on this machine a set lies. */
function given(): string[] {
  const args = process.argv.slice(2).map((arg) => (arg.includes('/') ? basename(arg) : arg));
  return args.length > 0 ? ['--', ...args] : [];
}

function commitOf(): string {
  return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
}
