import { cpus, release } from 'node:os';
import type { BenchResult } from './bench_runs.js';

/** The medians of a bench, and what is made of them. */
export interface BenchFigures {
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly nativeCpuSeconds: number;
  readonly typescriptCpuSeconds: number;
  readonly emptyCpuSeconds: number;
  readonly walkCpuSeconds: number;
  /** CPU of the replay without that of an empty one, over that of the bare walk. */
  readonly ratio: number;
  readonly ratioSpread: readonly [least: number, most: number];
  readonly peakAnonymousBytes: number;
  readonly peakResidentBytes: number;
  readonly judgingNsPerRecord: number | null;
}

export function benchFigures({ walks, replays, empties }: BenchResult): BenchFigures {
  const emptyCpuSeconds = median(empties.map((run) => run.cpu_s));
  const walkCpuSeconds = median(walks.map((run) => run.cpu_s));
  const ratios = replays.map((run) => (run.cpu_s - emptyCpuSeconds) / walkCpuSeconds);
  const last = replays.at(-1)!;
  const judging = replays.flatMap((run) => run.judging_ns_per_record.map((cost) => cost.ns.p50));
  return {
    packets: last.packets,
    bytes: last.bytes,
    flows: last.flows,
    wallSeconds: median(replays.map((run) => run.wall_s)),
    cpuSeconds: median(replays.map((run) => run.cpu_s)),
    nativeCpuSeconds: median(replays.map((run) => run.cpu_native_s)),
    typescriptCpuSeconds: median(replays.map((run) => run.cpu_typescript_s)),
    emptyCpuSeconds,
    walkCpuSeconds,
    ratio: median(ratios),
    ratioSpread: [Math.min(...ratios), Math.max(...ratios)],
    peakAnonymousBytes: Math.max(...replays.map((run) => run.peak_anonymous_bytes)),
    peakResidentBytes: Math.max(...replays.map((run) => run.peak_resident_bytes)),
    judgingNsPerRecord: judging.length === 0 ? null : median(judging),
  };
}

/** The figures as a person reads them. Ends with a line feed. */
export function benchText(result: BenchResult): string {
  const figures = benchFigures(result);
  const { packets, bytes, flows, wallSeconds } = figures;
  const n = result.replays.length;
  const rows: [label: string, value: string][] = [
    ['trace', `${count(packets)} packets, ${megabytes(bytes)}, ${count(flows)} flows`],
    ['speed', `${count(packets / wallSeconds)} packets/s, ${gigabits(bytes, wallSeconds)} Gbit/s`],
    ['time', `${seconds(wallSeconds)} from start to end, outputs off, detectors on`],
    ['CPU native', `${seconds(figures.nativeCpuSeconds)} (read, decode, flows, protocols)`],
    ['CPU TypeScript', `${seconds(figures.typescriptCpuSeconds)} (judging, and start-up)`],
    ['CPU empty', `${seconds(figures.emptyCpuSeconds)} for a capture without packets`],
    ['CPU bare walk', `${seconds(figures.walkCpuSeconds)} to read and count the same file`],
    ['ratio', ratioText(figures)],
    ['memory', memoryText(figures)],
    ...judgingRow(figures),
    ['machine', `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Linux ${release()}`],
  ];
  const lines = rows.map(([label, value]) => `  ${label.padEnd(15)} ${value}`);
  const title = `${result.trace}: median of ${n} ${n === 1 ? 'run' : 'runs'} in fresh processes`;
  return `${[title, '', ...lines].join('\n')}\n`;
}

function ratioText({ ratio, ratioSpread: [least, most] }: BenchFigures): string {
  const spread = `${least.toFixed(2)} to ${most.toFixed(2)}`;
  return `${ratio.toFixed(2)} x the bare walk (${spread}), the CPU of the empty run subtracted`;
}

/** The kernel's mark counts mapped pages of the capture too, which it can drop at any time. */
function memoryText({ peakAnonymousBytes, peakResidentBytes }: BenchFigures): string {
  const anonymous = `${megabytes(peakAnonymousBytes)} anonymous at most, sampled every 20 ms`;
  return `${anonymous} (${megabytes(peakResidentBytes)} with mapped files)`;
}

function judgingRow({ judgingNsPerRecord }: BenchFigures): [string, string][] {
  if (judgingNsPerRecord === null) return [];
  return [['judging', `${count(judgingNsPerRecord)} ns per record, median`]];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const count = (n: number): string => Math.round(n).toLocaleString('en-US');
const seconds = (s: number): string => `${s.toFixed(2)} s`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const gigabits = (bytes: number, s: number): string => ((bytes * 8) / s / 1e9).toFixed(2);
