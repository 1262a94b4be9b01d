import type { Histogram } from 'hdr-histogram-js';
import type { ShardCost } from './shard_messages.js';

/** Measures what judging costs, per drained buffer. Its figures go to metrics, never to an output. */
export class CostMeter {
  readonly #histogram: Histogram;
  #records = 0;
  #startedNs = 0n;

  private constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  /** The histogram library is loaded only where somebody asks for figures. */
  static async create(): Promise<CostMeter> {
    const { build } = await import('hdr-histogram-js');
    return new CostMeter(build({ lowestDiscernibleValue: 1, numberOfSignificantValueDigits: 2 }));
  }

  begin(): void {
    this.#startedNs = process.hrtime.bigint();
  }

  end(records: number): void {
    if (records === 0) return;
    const elapsedNs = Number(process.hrtime.bigint() - this.#startedNs);
    this.#histogram.recordValueWithCount(Math.round(elapsedNs / records), records);
    this.#records += records;
  }

  result(): ShardCost {
    const histogram = this.#histogram;
    return {
      records: this.#records,
      ns: {
        p50: histogram.getValueAtPercentile(50),
        p99: histogram.getValueAtPercentile(99),
        most: histogram.maxValue,
      },
    };
  }
}
