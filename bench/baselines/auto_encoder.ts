/** A shallow auto-encoder with tied weights, trained online, one step per sample. */
export class AutoEncoder {
  readonly #inputs: number;
  readonly #hidden: number;
  readonly #rate: number;
  /** Row by input, column by hidden unit. */
  readonly #weights: Float64Array;
  readonly #hiddenBias: Float64Array;
  readonly #inputBias: Float64Array;
  readonly #least: Float64Array;
  readonly #most: Float64Array;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #z: Float64Array;
  readonly #hiddenError: Float64Array;

  /**
   * @param options.ratio hidden units for each input
   * @param options.rate of learning
   * @param options.random draws from [0, 1)
   */
  constructor(
    inputs: number,
    options: { readonly ratio: number; readonly rate: number; readonly random: () => number },
  ) {
    this.#inputs = inputs;
    this.#hidden = Math.ceil(inputs * options.ratio);
    this.#rate = options.rate;
    this.#weights = Float64Array.from(
      { length: inputs * this.#hidden },
      () => (2 * options.random() - 1) / inputs,
    );
    this.#hiddenBias = new Float64Array(this.#hidden);
    this.#inputBias = new Float64Array(inputs);
    this.#least = new Float64Array(inputs).fill(Infinity);
    this.#most = new Float64Array(inputs).fill(-Infinity);
    this.#x = new Float64Array(inputs);
    this.#y = new Float64Array(this.#hidden);
    this.#z = new Float64Array(inputs);
    this.#hiddenError = new Float64Array(this.#hidden);
  }

  /** Learns a sample; returns the root mean square error of its reconstruction before. */
  train(sample: ArrayLike<number>): number {
    for (let i = 0; i < this.#inputs; i++) {
      this.#least[i] = Math.min(this.#least[i]!, sample[i]!);
      this.#most[i] = Math.max(this.#most[i]!, sample[i]!);
    }
    const error = this.reconstruct(sample);
    this.#descend();
    return error;
  }

  /** The root mean square error of the reconstruction of a sample. */
  reconstruct(sample: ArrayLike<number>): number {
    const [x, y, z, hidden] = [this.#x, this.#y, this.#z, this.#hidden];
    for (let i = 0; i < this.#inputs; i++) {
      x[i] = (sample[i]! - this.#least[i]!) / (this.#most[i]! - this.#least[i]! + 1e-16);
    }
    for (let j = 0; j < hidden; j++) {
      let sum = this.#hiddenBias[j]!;
      for (let i = 0; i < this.#inputs; i++) sum += x[i]! * this.#weights[i * hidden + j]!;
      y[j] = sigmoid(sum);
    }
    let squares = 0;
    for (let i = 0; i < this.#inputs; i++) {
      let sum = this.#inputBias[i]!;
      for (let j = 0; j < hidden; j++) sum += y[j]! * this.#weights[i * hidden + j]!;
      z[i] = sigmoid(sum);
      squares += (x[i]! - z[i]!) ** 2;
    }
    return Math.sqrt(squares / this.#inputs);
  }

  /** One step down the gradient of the reconstruction that was made last. */
  #descend(): void {
    const [x, y, z, hidden] = [this.#x, this.#y, this.#z, this.#hidden];
    for (let j = 0; j < hidden; j++) {
      let sum = 0;
      for (let i = 0; i < this.#inputs; i++) {
        sum += (x[i]! - z[i]!) * this.#weights[i * hidden + j]!;
      }
      this.#hiddenError[j] = sum * y[j]! * (1 - y[j]!);
    }
    for (let i = 0; i < this.#inputs; i++) {
      const error = x[i]! - z[i]!;
      for (let j = 0; j < hidden; j++) {
        this.#weights[i * hidden + j]! +=
          this.#rate * (x[i]! * this.#hiddenError[j]! + error * y[j]!);
      }
      this.#inputBias[i]! += this.#rate * error;
    }
    for (let j = 0; j < hidden; j++) this.#hiddenBias[j]! += this.#rate * this.#hiddenError[j]!;
  }
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
