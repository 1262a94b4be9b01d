import type { Histogram } from 'hdr-histogram-js';

/**
 * From the packet, or the timer, that made it: until a record reaches the worker that judges it,
 * until the evidence it completes reaches the main thread, until the verdict is given to the outputs.
 */
export const LATENCY_STAGES = ['record', 'evidence', 'verdict'] as const;
export type LatencyStage = (typeof LATENCY_STAGES)[number];

/** Milliseconds since the packet. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

const MOST_US = 60_000_000;
const US_PER_MS = 1000;

/** How long a live run takes, stage by stage. Its figures go to metrics, never to an output. */
export class Latencies {
  readonly #stages: Readonly<Record<LatencyStage, Histogram>>;

  private constructor(stages: Readonly<Record<LatencyStage, Histogram>>) {
    this.#stages = stages;
  }

  /** The histogram library is loaded only where somebody asks for figures. */
  static async create(): Promise<Latencies> {
    const { build } = await import('hdr-histogram-js');
    const histogram = (): Histogram =>
      build({
        lowestDiscernibleValue: 1,
        highestTrackableValue: MOST_US,
        numberOfSignificantValueDigits: 2,
      });
    return new Latencies({ record: histogram(), evidence: histogram(), verdict: histogram() });
  }

  /** Clocks of cards and machines differ: what seems to come before its packet took no time. */
  record(stage: LatencyStage, us: number): void {
    if (Number.isNaN(us)) return;
    this.#stages[stage].recordValue(Math.min(MOST_US, Math.max(0, Math.round(us))));
  }

  summary(): Readonly<Record<LatencyStage, LatencySummary>> {
    const of = (histogram: Histogram): LatencySummary => ({
      count: histogram.totalCount,
      p50: histogram.getValueAtPercentile(50) / US_PER_MS,
      p99: histogram.getValueAtPercentile(99) / US_PER_MS,
      most: histogram.maxValue / US_PER_MS,
    });
    const { record, evidence, verdict } = this.#stages;
    return { record: of(record), evidence: of(evidence), verdict: of(verdict) };
  }
}
