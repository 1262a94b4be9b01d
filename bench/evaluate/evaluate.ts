/*
 * How well detection works, on captures with truth; see bench/README.md.
 *
 *   npm run evaluate -- [--set DIR] [--only REGEX] [--no-history] [--no-baselines] [--out DIR]
 *   npm run evaluate -- --robustness [--out DIR]
 *
 *   --set           a labelled data set of `npm run lab`, or of the form of pcaps/ (the default)
 *   --only          captures whose names match
 *   --robustness    the experiments of attackers who know the detectors, and no captures
 *   --no-history    thymus knows nothing when a capture begins, as on the minute of its set-up
 *   --no-baselines  thymus alone
 *   --out           where evaluate.html or robustness.html goes (build/evaluate)
 *   --no-results    leave bench/RESULTS.md as it is
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benignPeaks, calibrationOf, noiseWorlds } from './calibration.js';
import { capturesOf, type Split } from './data_set.js';
import { figuresOf } from './figures.js';
import { Histories } from './histories.js';
import { judgeCapture, type CaptureResult } from './judge_capture.js';
import {
  htmlReport,
  resultsText,
  robustnessReport,
  robustnessText,
  type Evaluation,
  type Origin,
} from './report.js';
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
    'no-history': { type: 'boolean', default: false },
    'no-baselines': { type: 'boolean', default: false },
    'no-results': { type: 'boolean', default: false },
  },
});

const origin: Origin = { command: ['npm run evaluate', ...given()].join(' '), commit: commitOf() };
if (values.robustness) {
  const experiments = EXPERIMENTS.map(({ name, run }) => step(name, run));
  await write('robustness', {
    heading: 'Robustness',
    html: robustnessReport(experiments, origin),
    text: robustnessText(experiments, origin),
  });
} else {
  const evaluation = await evaluate();
  await write('evaluate', {
    heading: 'Detection',
    html: htmlReport(evaluation),
    text: resultsText(evaluation),
  });
}

async function evaluate(): Promise<Evaluation> {
  const results = await judgeAll();
  const splits = SPLITS.map((split) => results.filter(({ capture }) => capture.split === split));
  return {
    ...origin,
    set: basename(values.set),
    splits: splits
      .filter((ofSplit) => ofSplit.length > 0)
      .map((ofSplit) => figuresOf(ofSplit[0]!.capture.split, ofSplit)),
    calibration: [{ name: 'worlds', points: calibrationOf(step('benign worlds', worldPeaks)) }],
    noise: step('worlds of noise', noiseWorlds),
  };
}

async function write(
  name: string,
  {
    heading,
    html,
    text,
  }: { readonly heading: string; readonly html: string; readonly text: string },
): Promise<void> {
  mkdirSync(values.out, { recursive: true });
  const path = join(values.out, `${name}.html`);
  writeFileSync(path, html);
  console.log(`${path} is written.`);
  if (values['no-results']) return;
  await writeResults(RESULTS, { marker: name, heading, text });
  console.log(`${RESULTS} is written.`);
}

async function judgeAll(): Promise<CaptureResult[]> {
  const only = new RegExp(values.only);
  const judged: CaptureResult[] = [];
  const captures = capturesOf(values.set);
  const histories = new Histories(captures);
  const withBaselines = !values['no-baselines'];
  for (const listed of captures) {
    const { name } = listed;
    if (!only.test(name)) continue;
    const history = values['no-history'] ? null : await histories.before(listed);
    const result = await judgeCapture(listed.open(), { withBaselines, history });
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
