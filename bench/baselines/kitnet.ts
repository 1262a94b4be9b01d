import { AutoEncoder } from './auto_encoder.js';
import { FeatureMap } from './feature_map.js';

export interface KitnetOptions {
  readonly features: number;
  /** Features that one auto-encoder of the ensemble sees, at most. */
  readonly groupMost: number;
  /** Samples that the map of features is made from, and those that are learned after it. */
  readonly mapSamples: number;
  readonly trainSamples: number;
  readonly rate: number;
  /** Hidden units for each input. */
  readonly ratio: number;
  readonly random: () => number;
}

/**
 * KitNET (Mirsky and others, NDSS 2018), own work after the paper: auto-encoders over groups of
 * features that go together, and one more over their errors; a sample is as odd as that one's error.
 */
export class Kitnet {
  readonly #options: KitnetOptions;
  readonly #map: FeatureMap;
  #groups: readonly (readonly number[])[] = [];
  #ensemble: readonly AutoEncoder[] = [];
  #output: AutoEncoder | null = null;
  #errors = new Float64Array(0);
  #seen = 0;

  constructor(options: KitnetOptions) {
    this.#options = options;
    this.#map = new FeatureMap(options.features);
  }

  get groups(): readonly (readonly number[])[] {
    return this.#groups;
  }

  get isTraining(): boolean {
    return this.#seen < this.#options.mapSamples + this.#options.trainSamples;
  }

  /**
   * Learns a sample or, when all that is to be learned was, judges it; 0 while the map is made, and
   * always where nothing is left to learn from.
   */
  process(sample: Float64Array): number {
    const { mapSamples } = this.#options;
    const isTraining = this.isTraining;
    this.#seen++;
    if (this.#seen <= mapSamples) {
      this.#map.update(sample);
      if (this.#seen === mapSamples) this.#build();
      return 0;
    }
    if (isTraining) return this.#train(sample);
    return this.#options.trainSamples > 0 ? this.#judge(sample) : 0;
  }

  #build(): void {
    const { groupMost, ratio, rate, random } = this.#options;
    this.#groups = this.#map.groups(groupMost);
    const make = (inputs: number): AutoEncoder => new AutoEncoder(inputs, { ratio, rate, random });
    this.#ensemble = this.#groups.map((group) => make(group.length));
    this.#output = make(this.#groups.length);
    this.#errors = new Float64Array(this.#groups.length);
  }

  #train(sample: Float64Array): number {
    this.#ensemble.forEach((encoder, i) => {
      this.#errors[i] = encoder.train(this.#part(sample, i));
    });
    return this.#output!.train(this.#errors);
  }

  #judge(sample: Float64Array): number {
    this.#ensemble.forEach((encoder, i) => {
      this.#errors[i] = encoder.reconstruct(this.#part(sample, i));
    });
    return this.#output!.reconstruct(this.#errors);
  }

  #part(sample: Float64Array, group: number): number[] {
    return this.#groups[group]!.map((feature) => sample[feature]!);
  }
}
