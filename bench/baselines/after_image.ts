/**
 * Damped incremental statistics of traffic (AfterImage; Mirsky, Doitshman, Elovici, Shabtai,
 * "Kitsune", NDSS 2018), own work after the paper: a stream of values is kept as weight, linear and
 * squared sum, all of which fade by 2^(-lambda * seconds).
 */

/** Of fast to slow fading, per second. */
export const LAMBDAS = [5, 3, 1, 0.1, 0.01] as const;

/** Features of a packet: 3 of its sender, 7 of its channel, 3 of its jitter, 7 of its socket. */
export const FEATURES = LAMBDAS.length * (3 + 7 + 3 + 7);

const EMPTY_WEIGHT = 1e-20;

/** One damped stream. */
export class DampedStream {
  weight = EMPTY_WEIGHT;
  linear = 0;
  squared = 0;
  /** The last value's distance from the mean, for covariances. */
  residue = 0;
  readonly #lambda: number;
  #lastSeconds: number;

  constructor(lambda: number, seconds: number) {
    this.#lambda = lambda;
    this.#lastSeconds = seconds;
  }

  /** Fades to a moment; moments before the last one change nothing. */
  fade(seconds: number): void {
    const gap = seconds - this.#lastSeconds;
    if (gap <= 0) return;
    const factor = 2 ** (-this.#lambda * gap);
    this.weight *= factor;
    this.linear *= factor;
    this.squared *= factor;
    this.#lastSeconds = seconds;
  }

  insert(value: number, seconds: number): void {
    this.fade(seconds);
    this.weight += 1;
    this.linear += value;
    this.squared += value * value;
  }

  /** Inserts the gap since the value before, in seconds. */
  insertGap(seconds: number): void {
    this.insert(Math.max(0, seconds - this.#lastSeconds), seconds);
  }

  /** 0 when nothing is left, as after minutes without a value. */
  get mean(): number {
    return this.weight > 0 ? this.linear / this.weight : 0;
  }

  get variance(): number {
    return this.weight > 0 ? Math.abs(this.squared / this.weight - this.mean ** 2) : 0;
  }

  get deviation(): number {
    return Math.sqrt(this.variance);
  }
}

/** The two directions of a channel and the damped sum of the products of their residues. */
export class DampedPair {
  readonly streams: readonly [DampedStream, DampedStream];
  readonly #lambda: number;
  #products = 0;
  #weight = EMPTY_WEIGHT;
  #lastSeconds: number;

  constructor(lambda: number, seconds: number) {
    this.streams = [new DampedStream(lambda, seconds), new DampedStream(lambda, seconds)];
    this.#lambda = lambda;
    this.#lastSeconds = seconds;
  }

  insert(side: 0 | 1, value: number, seconds: number): void {
    const own = this.streams[side];
    const other = this.streams[side === 0 ? 1 : 0];
    own.insert(value, seconds);
    other.fade(seconds);
    const gap = seconds - this.#lastSeconds;
    if (gap > 0) {
      const factor = 2 ** (-this.#lambda * gap);
      this.#products *= factor;
      this.#weight *= factor;
      own.residue *= factor;
      this.#lastSeconds = seconds;
    }
    const residue = value - own.mean;
    this.#products += residue * other.residue;
    this.#weight += 1;
    own.residue = residue;
  }

  get radius(): number {
    return Math.hypot(this.streams[0].variance, this.streams[1].variance);
  }

  get magnitude(): number {
    return Math.hypot(this.streams[0].mean, this.streams[1].mean);
  }

  get covariance(): number {
    return this.#weight > 0 ? this.#products / this.#weight : 0;
  }

  get correlation(): number {
    const spread = this.streams[0].deviation * this.streams[1].deviation;
    return spread === 0 ? 0 : this.covariance / spread;
  }
}

/** What the features of a packet are made of. */
export interface PacketFacts {
  readonly seconds: number;
  readonly bytes: number;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  /** Address and port; of what has no ports, its protocol in place of it. */
  readonly sourceSocket: string;
  readonly destinationSocket: string;
}

/** Streams kept, at most: the method has no bound, so the one not used for longest gives way. */
const STREAMS_MOST = 200_000;

/** The 100 features of each packet, in the context of those before. */
export class AfterImage {
  readonly #hosts = new Map<string, readonly DampedStream[]>();
  readonly #jitters = new Map<string, readonly DampedStream[]>();
  readonly #channels = new Map<string, readonly DampedPair[]>();
  readonly #sockets = new Map<string, readonly DampedPair[]>();
  /** Streams that gave way. */
  forgotten = 0;

  /** @param out takes FEATURES numbers */
  update(packet: PacketFacts, out: Float64Array): void {
    const { seconds, bytes, source, destination } = packet;
    const streams = (): DampedStream[] => LAMBDAS.map((l) => new DampedStream(l, seconds));
    const pairs = (): DampedPair[] => LAMBDAS.map((l) => new DampedPair(l, seconds));
    let at = 0;
    const put = (stream: DampedStream): void => {
      out[at++] = stream.weight;
      out[at++] = stream.mean;
      out[at++] = stream.deviation;
    };
    const putPair = (pair: DampedPair, side: 0 | 1): void => {
      pair.insert(side, bytes, seconds);
      put(pair.streams[side]);
      out[at++] = pair.radius;
      out[at++] = pair.magnitude;
      out[at++] = pair.covariance;
      out[at++] = pair.correlation;
    };
    for (const stream of this.#of(this.#hosts, `${packet.sourceMac} ${source}`, streams)) {
      stream.insert(bytes, seconds);
      put(stream);
    }
    const side = source < destination ? 0 : 1;
    const ends = side === 0 ? `${source} ${destination}` : `${destination} ${source}`;
    for (const pair of this.#of(this.#channels, ends, pairs)) putPair(pair, side);
    for (const stream of this.#of(this.#jitters, `${source} ${destination}`, streams)) {
      stream.insertGap(seconds);
      put(stream);
    }
    const [a, b] = [packet.sourceSocket, packet.destinationSocket];
    const socketSide = a < b ? 0 : 1;
    const sockets = socketSide === 0 ? `${a} ${b}` : `${b} ${a}`;
    for (const pair of this.#of(this.#sockets, sockets, pairs)) putPair(pair, socketSide);
  }

  #of<T>(table: Map<string, T>, key: string, make: () => T): T {
    const known = table.get(key);
    if (known !== undefined) {
      // Maps keep the order of insertion, so the first is the one not used for longest.
      table.delete(key);
      table.set(key, known);
      return known;
    }
    if (table.size >= STREAMS_MOST) {
      table.delete(table.keys().next().value!);
      this.forgotten++;
    }
    const made = make();
    table.set(key, made);
    return made;
  }
}
