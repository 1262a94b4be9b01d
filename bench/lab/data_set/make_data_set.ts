// Makes the labelled data set into a folder; what is there already stays. See README.md and
// data_set.sh, which checks the machine first.
import { parseArgs } from 'node:util';
import { overlay } from './overlay.js';
import { FULL, overlaysOf, recordingsOf, SMALL, type PlanOptions, type Recording } from './plan.js';
import { record } from './recording.js';
import { DataSet } from './store.js';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    small: { type: 'boolean', default: false },
    only: { type: 'string' },
    intensity: { type: 'string', multiple: true },
    repeats: { type: 'string' },
    sessions: { type: 'string' },
    days: { type: 'string' },
    overlays: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    list: { type: 'boolean', default: false },
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const options = planOptions();
const recordings = recordingsOf(options);
const overlays = overlaysOf(options, recordings);
if (values.list) {
  for (const { name } of [...recordings, ...overlays]) console.log(name);
} else {
  process.exitCode = await make(values.out ?? fail('--out FOLDER is needed.'));
}

async function make(folder: string): Promise<number> {
  const set = new DataSet(folder);
  const missing = recordings.filter(({ name }) => !set.has(name));
  const failures: string[] = [];
  await Promise.all(
    Array.from({ length: whole('jobs', values.jobs, 2) }, () => work(missing, set, failures)),
  );
  for (const each of overlays) {
    if (set.has(each.name) || !set.has(each.recording.name)) continue;
    attempt(failures, () => {
      overlay(each, set);
    });
  }
  process.stderr.write(`${set.captures.length} captures are in ${folder}.\n`);
  for (const failure of failures) process.stderr.write(`FAILED: ${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** One failure of a real tool does not end hours of work; it is told at the end. */
async function work(queue: Recording[], set: DataSet, failures: string[]): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    try {
      await record(next, set);
    } catch (error) {
      note(failures, error);
    }
  }
}

function attempt(failures: string[], doing: () => void): void {
  try {
    doing();
  } catch (error) {
    note(failures, error);
  }
}

/** Told at once and again at the end, hours later. */
function note(failures: string[], error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`FAILED: ${message}\n`);
  failures.push(message);
}

function planOptions(): PlanOptions {
  const base = values.small ? SMALL : FULL;
  const { repeats, sessions, days, overlays: laid, only, intensity } = values;
  return {
    repeats: whole('repeats', repeats, base.repeats),
    sessions: whole('sessions', sessions, base.sessions),
    days: whole('days', days, base.days),
    overlays: whole('overlays', laid, base.overlays),
    intensities: intensity?.map(Number) ?? base.intensities,
    only: only === undefined ? base.only : new RegExp(only),
  };
}

function whole(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d{1,3}$/.test(text)) return value;
  return fail(`--${name} must be a whole number below 1000.`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
