import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './bench_programs.js';
import type { Metrics } from './metrics_file.js';
import { projectPath } from './project_paths.js';

/** What the bare walk says about a file: one line of JSON. */
export interface Walk {
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  readonly cpu_s: number;
}

/** All single measurements of one bench, in the order in which they were made. */
export interface BenchResult {
  readonly trace: string;
  readonly walks: readonly Walk[];
  readonly replays: readonly Metrics[];
  /** The same command on a capture without packets. */
  readonly empties: readonly Metrics[];
}

export async function measureWalk(program: string, trace: string): Promise<Walk> {
  return JSON.parse(await output(program, [trace])) as Walk;
}

/** One replay in a fresh process, detectors on, without store and outputs. */
export async function measureReplay(
  trace: string,
  folder: string,
  settings: readonly string[],
): Promise<Metrics> {
  const metrics = join(folder, 'metrics.json');
  const args = ['replay', '--no-store', '--quiet', '--metrics', metrics, ...settings, trace];
  await output(process.execPath, [projectPath('bin/thymus'), ...args]);
  return JSON.parse(readFileSync(metrics, 'utf8')) as Metrics;
}

/** A pcap of Ethernet frames with none in it. */
export function writeEmptyCapture(path: string): void {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  writeFileSync(path, header);
}
