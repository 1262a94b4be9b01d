/*
 * thymus beside a bare walk and the flow programs that are installed: every program on every trace,
 * in turn, so that all see the same machine.
 *
 *   npm run bench -- [--runs N] [--peer-runs N] [TRACE...]
 *
 *   --runs       of the walk and of thymus (5); their medians count
 *   --peer-runs  of the others (1)
 *   TRACE        mix, smallpkt, bigflow (all three by default), or a pcap file
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeEmptyCapture } from '../../src/cli/bench_runs.js';
import { measure, type Cost } from './measure.js';
import { BARE_WALK, PROGRAMS, type Program } from './programs.js';

const TRACES = 'build/traces';
const MAKER = 'build/tests/trace_maker';
const MIX_REPLICAS = '120';
const MIX_OF = ['pcaps/office_day.pcap.gz', 'pcaps/ssh_guessing.pcap.gz'];
const MAKE: Readonly<Record<string, (path: string) => readonly string[]>> = {
  mix: (path) => ['mix', '--replicas', MIX_REPLICAS, path, ...MIX_OF],
  smallpkt: (path) => ['smallpkt', path],
  bigflow: (path) => ['bigflow', path],
};

interface Row {
  readonly program: Program;
  readonly cpuSeconds: number;
  readonly startUpSeconds: number;
  readonly anonymousBytes: number;
  readonly runs: number;
}

const { values, positionals } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    'peer-runs': { type: 'string', default: '1' },
  },
  allowPositionals: true,
});
const runs = Number(values.runs);
const peerRuns = Number(values['peer-runs']);
const scratch = mkdtempSync(join(tmpdir(), 'thymus-compare-'));
try {
  const empty = join(scratch, 'empty.pcap');
  writeEmptyCapture(empty);
  const names = positionals.length > 0 ? positionals : Object.keys(MAKE);
  for (const name of names) await compare(traceOf(name), empty);
  console.log(`\n${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Linux ${release()}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Path of a trace, which is made when it is not there. */
function traceOf(name: string): string {
  const make = MAKE[name];
  if (make === undefined) return name;
  mkdirSync(TRACES, { recursive: true });
  const path = join(TRACES, `${name}.pcap`);
  if (!existsSync(path)) execFileSync(MAKER, make(path), { stdio: 'inherit' });
  return path;
}

async function compare(trace: string, empty: string): Promise<void> {
  const counted = execFileSync(BARE_WALK.command(trace, scratch)![0]!, [trace], {
    encoding: 'utf8',
  });
  const walked = JSON.parse(counted) as { packets: number; bytes: number; flows: number };
  const walkRuns: number[] = [];
  const rows: Row[] = [];
  for (const program of PROGRAMS) {
    const command = program.command(trace, scratch);
    if (command === null) continue;
    const n = program.name.startsWith('thymus') ? runs : peerRuns;
    const startUp: Cost[] = [];
    const costs: Cost[] = [];
    for (let i = 0; i < n; i++) {
      // Memory that was idle for some seconds may have to be fetched from a host: an unmeasured
      // walk brings it back, so that no program pays for it.
      await measure(BARE_WALK.command(trace, scratch)!);
      walkRuns.push((await measure(BARE_WALK.command(trace, scratch)!)).cpuSeconds);
      costs.push(await measure(command));
      if (program.hasStartUp) startUp.push(await measure(program.command(empty, scratch)!));
    }
    const share = Math.min(1, (program.mostPackets ?? Infinity) / walked.packets);
    const startUpSeconds = startUp.length > 0 ? median(startUp.map((c) => c.cpuSeconds)) : 0;
    const cpuSeconds = median(costs.map((c) => c.cpuSeconds));
    rows.push({
      program,
      cpuSeconds: (cpuSeconds - startUpSeconds) / share,
      startUpSeconds,
      anonymousBytes: Math.max(...costs.map((c) => c.anonymousBytes)),
      runs: n,
    });
  }
  print(trace, walked, median(walkRuns), rows);
}

function print(
  trace: string,
  walked: { packets: number; bytes: number; flows: number },
  walk: number,
  rows: readonly Row[],
): void {
  const { packets, bytes, flows } = walked;
  console.log(`\n## ${basename(trace, '.pcap')}\n`);
  console.log(
    `${packets.toLocaleString('en-US')} packets, ${(bytes / 1e9).toFixed(2)} GB, ${flows.toLocaleString('en-US')} flows\n`,
  );
  console.log(
    '| program | CPU s | x bare walk | M packets/s of CPU | start-up s | memory MB | runs |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  const line = (name: string, cpu: number, more: readonly string[]): void => {
    const rate = (packets / cpu / 1e6).toFixed(2);
    console.log(
      `| ${[name, cpu.toFixed(2), (cpu / walk).toFixed(2), rate, ...more].join(' | ')} |`,
    );
  };
  line('bare walk', walk, ['', '', '']);
  for (const { program, cpuSeconds, startUpSeconds, anonymousBytes, runs: n } of rows) {
    const scaled = program.mostPackets !== undefined && program.mostPackets < packets;
    const name = scaled ? `${program.name} (scaled from ${program.mostPackets})` : program.name;
    const memory = (anonymousBytes / 1e6).toFixed(0);
    line(name, cpuSeconds, [startUpSeconds.toFixed(2), memory, String(n)]);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
