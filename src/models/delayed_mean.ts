import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Counts of one period wait together; they teach when `PERIODS_WAITING` more have begun. */
const PERIOD_US = 600e6;
const PERIODS_WAITING = 3;

class Period {
  /** Its number; NaN: there is none. */
  number = NaN;
  sum = 0;
  n = 0;
}

/**
 * Mean of counts that lie half an hour back at least, so that what is going on does not set its own
 * norm. What waits is thrown away when who showed it turns suspicious.
 */
export class DelayedMean {
  #sum = 0;
  #n = 0;
  /** By period, modulo their number; those between the first and the last may be missing. */
  readonly #periods = Array.from({ length: PERIODS_WAITING }, () => new Period());

  /** The mean with a prior that counts as much as `weight` counts. */
  mean(prior: number, weight: number): number {
    return (prior * weight + this.#sum) / (weight + this.#n);
  }

  /** Times rise. */
  add(count: number, atUs: number): void {
    const number = Math.floor(atUs / PERIOD_US);
    for (const period of this.#periods) {
      if (period.number <= number - PERIODS_WAITING) this.#learn(period);
    }
    const period = this.#periods[number % PERIODS_WAITING]!;
    period.number = number;
    period.sum += count;
    period.n++;
  }

  discard(): void {
    for (const period of this.#periods) this.#clear(period);
  }

  save(out: StateWriter): void {
    out.f64s([this.#sum, this.#n]);
    for (const { number, sum, n } of this.#periods) out.f64s([number, sum, n]);
  }

  restore(from: StateReader): void {
    this.#sum = from.f64();
    this.#n = from.natural();
    for (let i = 0; i < PERIODS_WAITING; i++) {
      const saved = { number: from.time(PERIOD_US), sum: from.f64(), n: from.natural() };
      if (!Number.isInteger(saved.number) || saved.number < 0) continue;
      // A shift may have moved it to another place.
      Object.assign(this.#periods[saved.number % PERIODS_WAITING]!, saved);
    }
  }

  #learn(period: Period): void {
    this.#sum += period.sum;
    this.#n += period.n;
    this.#clear(period);
  }

  #clear(period: Period): void {
    period.number = NaN;
    period.sum = 0;
    period.n = 0;
  }
}
