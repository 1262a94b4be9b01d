import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../config/load.js';
import { ThymusError } from '../errors.js';
import { nativeProgram, output } from './bench_programs.js';
import { benchFigures, benchText } from './bench_report.js';
import {
  measureReplay,
  measureWalk,
  writeEmptyCapture,
  type BenchResult,
  type Walk,
} from './bench_runs.js';
import { complain, print } from './console.js';
import { EXIT } from './exit.js';
import type { Metrics } from './metrics_file.js';
import type { BenchFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';

const MOST_RUNS = 99;
/** Size of the made trace: large enough that start-up does not matter. */
const TRACE_PACKETS = 4_000_000;

/** `thymus bench [FILE]` @returns the exit code */
export async function benchCommand(file: string | undefined, flags: BenchFlags): Promise<number> {
  const runs = Number(flags.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > MOST_RUNS) {
    throw new ThymusError('USAGE', `'--runs' must be a whole number from 1 to ${MOST_RUNS}.`);
  }
  const settings = settingsOf(flags);
  await loadSettings(settings, flags.config ?? null);
  const passedOn = Object.entries(settings).map(([name, value]) => `--${name}=${String(value)}`);
  if (flags.config !== undefined) passedOn.push(`--config=${flags.config}`);
  const folder = mkdtempSync(join(tmpdir(), 'thymus-bench-'));
  const leave = (): never => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(EXIT.INTERRUPTED);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const trace = file ?? (await makeTrace(folder));
    const result = await compare(trace, folder, runs, passedOn);
    print(flags.json ? `${JSON.stringify(benchFigures(result))}\n` : benchText(result));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return EXIT.DONE;
}

async function makeTrace(folder: string): Promise<string> {
  const path = join(folder, 'made.pcap');
  await output(await nativeProgram('trace_maker'), [
    'smallpkt',
    '--packets',
    String(TRACE_PACKETS),
    path,
  ]);
  return path;
}

/** Walk and replay in turn, so that both see the same machine. */
async function compare(
  trace: string,
  folder: string,
  runs: number,
  settings: readonly string[],
): Promise<BenchResult> {
  const empty = join(folder, 'empty.pcap');
  writeEmptyCapture(empty);
  const program = await nativeProgram('bare_walk');
  const walks: Walk[] = [];
  const replays: Metrics[] = [];
  const empties: Metrics[] = [];
  for (let i = 0; i < runs; i++) {
    if (process.stderr.isTTY) complain(`\r\x1b[KRun ${i + 1} of ${runs}...`);
    // Memory that was idle for some seconds may have to be fetched from a host: walks that are not
    // measured bring it back, so that neither pays for it.
    await measureWalk(program, trace);
    walks.push(await measureWalk(program, trace));
    await measureWalk(program, trace);
    replays.push(await measureReplay(trace, folder, settings));
    empties.push(await measureReplay(empty, folder, settings));
  }
  if (process.stderr.isTTY) complain('\r\x1b[K');
  return { trace, walks, replays, empties };
}
