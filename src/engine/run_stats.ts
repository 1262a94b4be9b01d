import { COUNTERS } from '../batch/generated/names.js';
import type { RunSummary } from '../domain/run.js';
import type { NativeStats } from './addon_types.js';

type CounterName = (typeof COUNTERS)[number][0];

const INDEX = new Map<string, number>(COUNTERS.map(([name], i) => [name, i]));

/** Counters that say how the work was spread, not what was in the input. */
const DEPENDS_ON_THREADS: ReadonlySet<string> = new Set<CounterName>([
  'flows_active_most',
  'records',
  'events',
  'batches',
]);

/** Places where something was left out; together the drops of a run. */
const DROPS: readonly CounterName[] = [
  'nic_drops',
  'kernel_drops',
  'table_evictions',
  'sketch_drops',
];

/** Where a run stands, for a person who waits. */
export interface RunProgress {
  readonly packets: number;
  readonly bytes: number;
  readonly flowsActive: number;
  /** 0 to 1; null where the size of the input is not known. */
  readonly shareDone: number | null;
  readonly incidents: number;
  readonly drops: number;
}

export function counter(stats: NativeStats, name: CounterName): number {
  return stats.counters[INDEX.get(name)!] ?? 0;
}

export function progressOf(stats: NativeStats, incidents: number): RunProgress {
  const { bytesRead, bytesTotal } = stats;
  return {
    packets: counter(stats, 'packets'),
    bytes: counter(stats, 'bytes'),
    flowsActive:
      counter(stats, 'flows') - counter(stats, 'flows_ended') - counter(stats, 'unrecorded_flows'),
    shareDone: bytesTotal > 0 ? Math.min(1, bytesRead / bytesTotal) : null,
    incidents,
    drops: DROPS.reduce((sum, name) => sum + counter(stats, name), 0),
  };
}

/** What is known of a run besides what the core counts. */
export interface RunOutcome {
  readonly entities: number;
  readonly interrupted: boolean;
  readonly counters: readonly (readonly [string, number])[];
}

export function summaryOf(stats: NativeStats, outcome: RunOutcome): RunSummary {
  const { entities, interrupted, counters } = outcome;
  return {
    packets: counter(stats, 'packets'),
    bytes: counter(stats, 'bytes'),
    flows: counter(stats, 'flows'),
    entities,
    firstPacketUs: stats.firstPacketTimeUs,
    lastPacketUs: stats.packetTimeUs,
    interrupted,
    counters: [
      ...COUNTERS.flatMap(([name], i) =>
        DEPENDS_ON_THREADS.has(name) ? [] : [[name, stats.counters[i] ?? 0] as const],
      ),
      ...counters,
    ],
    sources: stats.sources,
  };
}
