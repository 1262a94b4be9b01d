import { seedNames } from './name_seed.js';

/** Letters, digits, hyphen, underscore, the dot between labels, everything else. */
export const SYMBOLS = 40;
const DOT = 38;
const OTHER = 39;

const CODE_OF = codes();

function codes(): Uint8Array {
  const code = new Uint8Array(256).fill(OTHER);
  for (let i = 0; i < 26; i++) {
    code[97 + i] = i;
    code[65 + i] = i;
  }
  for (let i = 0; i < 10; i++) code[48 + i] = 26 + i;
  code[0x2d] = 36;
  code[0x5f] = 37;
  code[0x2e] = DOT;
  return code;
}

/** The symbol of a byte, 0 to SYMBOLS - 1; case does not matter in names (RFC 4343). */
export function symbolOf(byte: number): number {
  return CODE_OF[byte]!;
}

const DIGITS_FROM = 26;
const DIGITS_TO = 35;
const LETTERS_OF_HEX = 6;

/** Grams of one length: how often each was seen after its context, in how many kinds. */
class Grams {
  readonly #count: Uint16Array;
  readonly #total: Uint32Array;
  readonly #kinds: Uint8Array;

  /** @param length symbols of a gram, the context included */
  constructor(length: number) {
    this.#count = new Uint16Array(SYMBOLS ** length);
    this.#total = new Uint32Array(SYMBOLS ** (length - 1));
    this.#kinds = new Uint8Array(SYMBOLS ** (length - 1));
  }

  add(context: number, symbol: number): void {
    this.#total[context]!++;
    if (this.#count[context * SYMBOLS + symbol]!++ === 0) this.#kinds[context]!++;
  }

  /** Witten and Bell 1991: the weight of the shorter context is the share of new successors. */
  smoothed(context: number, symbol: number, shorter: number): number {
    const total = this.#total[context]!;
    if (total === 0) return shorter;
    const kinds = this.#kinds[context]!;
    return (this.#count[context * SYMBOLS + symbol]! + kinds * shorter) / (total + kinds);
  }
}

/**
 * How people name things: interpolated Witten-Bell model of characters, of the given order, trained
 * on names made of words (name_seed.ts). Immutable once made; 5 MB at order 4.
 */
export class NameModel {
  readonly #orders: readonly Grams[];
  /** ln P of a symbol by the one before it, at order 2: there are few enough to know them all. */
  readonly #lnOfPair: Float64Array | null;

  /** @param order characters of a gram, 2 to 4 */
  constructor(order: number) {
    this.#orders = Array.from({ length: order }, (_, i) => new Grams(i + 1));
    for (const name of seedNames()) this.#learn(name);
    this.#lnOfPair = order === 2 ? this.#lnOfPairs() : null;
  }

  #learn(name: string): void {
    const orders = this.#orders;
    const before = new Array<number>(orders.length - 1).fill(DOT);
    for (const char of `${name}.`) {
      const symbol = symbolOf(char.charCodeAt(0));
      let context = 0;
      for (let k = 0; k < orders.length; k++) {
        orders[k]!.add(context, symbol);
        if (k < before.length) context = context * SYMBOLS + before.at(-1 - k)!;
      }
      before.push(symbol);
      before.shift();
    }
  }

  /**
   * ln P of `length` bytes of a name at `at`.
   * @param bytes a name in any case, labels with dots between
   */
  lnProbability(bytes: Uint8Array, at: number, length: number): number {
    if (this.#lnOfPair !== null) return lnOfPairsIn(bytes, { at, length }, this.#lnOfPair);
    const orders = this.#orders;
    const depth = orders.length - 1;
    let ln = 0;
    for (let i = 0; i < length; i++) {
      const symbol = CODE_OF[bytes[at + i]!]!;
      let p = 1 / SYMBOLS;
      let context = 0;
      for (let k = 0; k <= depth; k++) {
        p = orders[k]!.smoothed(context, symbol, p);
        const past = i - k - 1;
        context = context * SYMBOLS + (past < 0 ? DOT : CODE_OF[bytes[at + past]!]!);
      }
      ln += Math.log(p);
    }
    return ln;
  }

  #lnOfPairs(): Float64Array {
    const [alone, pairs] = this.#orders;
    return Float64Array.from({ length: SYMBOLS * SYMBOLS }, (_, pair) => {
      const before = Math.floor(pair / SYMBOLS);
      const symbol = pair % SYMBOLS;
      return Math.log(pairs!.smoothed(before, symbol, alone!.smoothed(0, symbol, 1 / SYMBOLS)));
    });
  }
}

/** Sum over the symbols of a name, which begins after a dot. */
function lnOfPairsIn(
  bytes: Uint8Array,
  { at, length }: { readonly at: number; readonly length: number },
  lnOfPair: Float64Array,
): number {
  let ln = 0;
  let before = DOT;
  for (let i = 0; i < length; i++) {
    const symbol = CODE_OF[bytes[at + i]!]!;
    ln += lnOfPair[before * SYMBOLS + symbol]!;
    before = symbol;
  }
  return ln;
}

/**
 * ln P of a label that a program drew at random: of letters, of letters and digits, or of hex digits,
 * whichever is likeliest, each with a third.
 */
export function lnDrawnAtRandom(bytes: Uint8Array, at: number, length: number): number {
  let digits = 0;
  let hexLetters = 0;
  for (let i = 0; i < length; i++) {
    const symbol = CODE_OF[bytes[at + i]!]!;
    if (symbol >= DIGITS_FROM && symbol <= DIGITS_TO) digits++;
    else if (symbol < LETTERS_OF_HEX) hexLetters++;
    else if (symbol > DIGITS_TO) return -Infinity;
  }
  const alphabet = digits + hexLetters === length ? 16 : digits === 0 ? 26 : 36;
  return -length * Math.log(alphabet) - Math.log(3);
}

let labels: NameModel | null = null;
let subdomains: NameModel | null = null;

/** The model of the label that is registered; made when first asked for. */
export function labelModel(): NameModel {
  return (labels ??= new NameModel(4));
}

/** The model of what stands before it. */
export function subdomainModel(): NameModel {
  return (subdomains ??= new NameModel(2));
}
