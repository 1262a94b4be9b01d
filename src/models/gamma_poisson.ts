import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';

/** Gamma prior of a rate per window: mean shape / rate. */
export interface GammaPrior {
  readonly shape: number;
  readonly rate: number;
}

/** Terms after which the rest of a distribution is not worth adding. */
const TERMS_MOST = 200;
const LEAST_TERM = 1e-15;

/** Counts in windows of equal length: Poisson, with a rate that is learned from windows that ended. */
export class GammaPoisson {
  #sum = 0;
  #windows = 0;

  clear(): void {
    this.#sum = 0;
    this.#windows = 0;
  }

  /** Windows that were learned from. */
  get windows(): number {
    return this.#windows;
  }

  learn(count: number): void {
    this.#sum += count;
    this.#windows++;
  }

  save(out: StateWriter): void {
    out.f64s([this.#sum, this.#windows]);
  }

  restore(from: StateReader): void {
    this.#sum = from.natural();
    this.#windows = from.natural();
  }

  /** Mean count of the next window. */
  mean(prior: GammaPrior): number {
    return (prior.shape + this.#sum) / (prior.rate + this.#windows);
  }

  /** P(the next window has more than `count` | it has `count` or more): negative binomial. */
  hazard(count: number, prior: GammaPrior): number {
    const shape = prior.shape + this.#sum;
    const rate = prior.rate + this.#windows;
    // Ratios of neighbouring probabilities, so that nothing is lost far out.
    let term = 1;
    let more = 0;
    for (let n = count; n < count + TERMS_MOST && term > LEAST_TERM; n++) {
      term *= (n + shape) / ((n + 1) * (rate + 1));
      more += term;
    }
    return more / (1 + more);
  }
}
