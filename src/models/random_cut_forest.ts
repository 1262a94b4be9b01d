import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { mixToUint32 } from './key_set.js';

/**
 * Robust random cut forest (Guha, Mishra, Roy, Schrijvers 2016): how much a point would displace
 * those that are there. Each tree cuts the box around its points at random, a dimension being the
 * likelier the wider the box is in it; a point that is soon cut off from many others is odd.
 *
 * Deterministic: trees draw from their own seeded generators, a score from one that is seeded by its
 * caller. Points are asked about before they are inserted. A tree keeps a sample of points that
 * favours late ones. Memory: trees * points * dims * 12 bytes when full, taken as points come.
 */
export interface ForestOptions {
  readonly trees: number;
  /** Points kept by each tree. */
  readonly points: number;
  readonly dims: number;
  /** A new point is kept by at least this share of the trees. */
  readonly keptLeast: number;
}

export class RandomCutForest {
  readonly #trees: Tree[];
  readonly #options: ForestOptions;
  #seen = 0;

  constructor(options: ForestOptions) {
    this.#options = options;
    this.#trees = Array.from({ length: options.trees }, (_, i) => new Tree(options, i + 1));
  }

  /** Points inserted so far. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Collusive displacement of a point that is not inserted, mean over the trees; 0 without points.
   * @param seed chooses the cuts; the same one gives the same score
   */
  score(point: Float32Array, seed: number): number {
    let sum = 0;
    for (let i = 0; i < this.#trees.length; i++) sum += this.#trees[i]!.score(point, seed + i);
    return sum / this.#trees.length;
  }

  insert(point: Float32Array): void {
    this.#seen++;
    const share = Math.max(this.#options.points / this.#seen, this.#options.keptLeast);
    for (const tree of this.#trees) tree.offer(point, share);
  }

  save(out: StateWriter): void {
    out.f64(this.#seen);
    for (const tree of this.#trees) tree.save(out);
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    this.#seen = from.natural();
    for (const tree of this.#trees) tree.restore(from);
  }
}

const NONE = -1;
const FIRST_LEAVES = 16;
/** In saved states, in place of the dimension of a cut. */
const LEAF = 0xff;

/**
 * Nodes are numbers: leaf i is i, inner node i is `leaves + i`, where there is room for `leaves` of
 * both. Boxes and points lie in rows of `dims` numbers; the box of a leaf is its point.
 */
class Tree {
  readonly #dims: number;
  readonly #leavesMost: number;
  #random: number;
  #leaves = 0;
  #used = 0;
  #root = NONE;
  #low = new Float32Array(0);
  #high = new Float32Array(0);
  #left = new Int32Array(0);
  #right = new Int32Array(0);
  #parent = new Int32Array(0);
  #count = new Int32Array(0);
  #cutDim = new Int16Array(0);
  #cutAt = new Float32Array(0);
  #freeInner: number[] = [];

  constructor(options: ForestOptions, seed: number) {
    this.#dims = options.dims;
    this.#leavesMost = options.points;
    this.#random = seed;
  }

  score(point: Float32Array, seed: number): number {
    if (this.#root === NONE) return 0;
    let state = mixToUint32(seed);
    let most = 0;
    let node = this.#root;
    for (;;) {
      state = (state + 0x6d2b79f5) >>> 0;
      if (this.#cut(node, point, mixToUint32(state) / 0x100000000)) {
        return Math.max(most, this.#count[node]!);
      }
      if (this.#isLeaf(node)) return most;
      const inner = node;
      const goesLeft = point[this.#cutDim[inner]!]! <= this.#cutAt[inner]!;
      node = goesLeft ? this.#left[inner]! : this.#right[inner]!;
      const sibling = goesLeft ? this.#right[inner]! : this.#left[inner]!;
      most = Math.max(most, this.#count[sibling]! / (this.#count[node]! + 1));
    }
  }

  /** Inserts a point with probability `share`, in place of any other when the tree is full. */
  offer(point: Float32Array, share: number): void {
    if (this.#next() >= share) return;
    let leaf = this.#used;
    if (leaf < this.#leavesMost) {
      if (leaf === this.#leaves) this.#grow();
      this.#used++;
    } else {
      leaf = Math.floor(this.#next() * this.#used);
      this.#remove(leaf);
    }
    this.#insert(leaf, point);
  }

  /** Its generator, its points, then its nodes, each above those below it. */
  save(out: StateWriter): void {
    out.u32(this.#random);
    out.u32(this.#used);
    out.f32s(this.#low.subarray(0, this.#used * this.#dims));
    if (this.#root !== NONE) this.#saveFrom(this.#root, out);
  }

  restore(from: StateReader): void {
    this.#random = from.u32();
    this.#used = from.count(this.#leavesMost);
    while (this.#leaves < this.#used) this.#grow();
    const points = from.f32s(this.#used * this.#dims);
    this.#low.set(points);
    this.#high.set(points);
    if (this.#used === 0) return;
    this.#root = this.#restoreFrom(from);
    from.expect(this.#count[this.#root] === this.#used);
  }

  #saveFrom(node: number, out: StateWriter): void {
    if (this.#isLeaf(node)) {
      out.u8(LEAF);
      out.u32(node);
      return;
    }
    out.u8(this.#cutDim[node]!);
    out.f32s(this.#cutAt.subarray(node, node + 1));
    this.#saveFrom(this.#left[node]!, out);
    this.#saveFrom(this.#right[node]!, out);
  }

  /** A leaf is taken once, and there are fewer inner nodes than leaves: that bounds the depth. */
  #restoreFrom(from: StateReader): number {
    const cutDim = from.u8();
    if (cutDim === LEAF) {
      const leaf = from.u32();
      from.expect(leaf < this.#used && this.#count[leaf] === 0);
      this.#count[leaf] = 1;
      return leaf;
    }
    const inner = this.#freeInner.pop() ?? NONE;
    from.expect(inner !== NONE && cutDim < this.#dims);
    this.#cutDim[inner] = cutDim;
    this.#cutAt[inner] = from.f32s(1)[0]!;
    const left = this.#restoreFrom(from);
    const right = this.#restoreFrom(from);
    this.#left[inner] = left;
    this.#right[inner] = right;
    this.#parent[left] = inner;
    this.#parent[right] = inner;
    this.#refresh(inner);
    return inner;
  }

  #insert(leaf: number, point: Float32Array): void {
    const at = leaf * this.#dims;
    this.#low.set(point, at);
    this.#high.set(point, at);
    this.#count[leaf] = 1;
    this.#parent[leaf] = NONE;
    if (this.#root === NONE) {
      this.#root = leaf;
      return;
    }
    let node = this.#root;
    while (!this.#cut(node, point, this.#next()) && !this.#isLeaf(node)) {
      const goesLeft = point[this.#cutDim[node]!]! <= this.#cutAt[node]!;
      node = goesLeft ? this.#left[node]! : this.#right[node]!;
    }
    this.#split(node, leaf);
  }

  /** Puts an inner node in the place of `node`, above it and the leaf, along the last cut. */
  #split(node: number, leaf: number): void {
    const inner = this.#freeInner.pop()!;
    const parent = this.#parent[node]!;
    this.#cutDim[inner] = this.#lastDim;
    this.#cutAt[inner] = this.#lastAt;
    const isLeft = this.#low[leaf * this.#dims + this.#lastDim]! <= this.#lastAt;
    this.#left[inner] = isLeft ? leaf : node;
    this.#right[inner] = isLeft ? node : leaf;
    this.#parent[inner] = parent;
    this.#parent[node] = inner;
    this.#parent[leaf] = inner;
    if (parent === NONE) this.#root = inner;
    else if (this.#left[parent] === node) this.#left[parent] = inner;
    else this.#right[parent] = inner;
    this.#refresh(inner);
    for (let above = parent; above !== NONE; above = this.#parent[above]!) this.#widen(above, leaf);
  }

  #remove(leaf: number): void {
    const inner = this.#parent[leaf]!;
    if (inner === NONE) {
      this.#root = NONE;
      return;
    }
    const sibling = this.#left[inner] === leaf ? this.#right[inner]! : this.#left[inner]!;
    const parent = this.#parent[inner]!;
    this.#parent[sibling] = parent;
    this.#freeInner.push(inner);
    if (parent === NONE) {
      this.#root = sibling;
      return;
    }
    if (this.#left[parent] === inner) this.#left[parent] = sibling;
    else this.#right[parent] = sibling;
    // A box that stays as it is leaves those above it as they are.
    let node = parent;
    while (node !== NONE && this.#refresh(node)) node = this.#parent[node]!;
    if (node === NONE) return;
    while ((node = this.#parent[node]!) !== NONE) this.#count[node]!--;
  }

  /** A leaf came to those below a node. */
  #widen(node: number, leaf: number): void {
    const dims = this.#dims;
    const low = this.#low;
    const high = this.#high;
    this.#count[node]!++;
    for (let i = 0; i < dims; i++) {
      const x = low[leaf * dims + i]!;
      const at = node * dims + i;
      if (x < low[at]!) low[at] = x;
      if (x > high[at]!) high[at] = x;
    }
  }

  /** Sets count and box of a node by those below it. @returns whether the box has changed */
  #refresh(node: number): boolean {
    const dims = this.#dims;
    const lows = this.#low;
    const highs = this.#high;
    const left = this.#left[node]!;
    const right = this.#right[node]!;
    this.#count[node] = this.#count[left]! + this.#count[right]!;
    let hasChanged = false;
    for (let i = 0; i < dims; i++) {
      const l = left * dims + i;
      const r = right * dims + i;
      const at = node * dims + i;
      const low = Math.min(lows[l]!, lows[r]!);
      const high = Math.max(highs[l]!, highs[r]!);
      if (low === lows[at] && high === highs[at]) continue;
      hasChanged = true;
      lows[at] = low;
      highs[at] = high;
    }
    return hasChanged;
  }

  #lastDim = 0;
  #lastAt = 0;

  /**
   * Cuts the box around a node and a point at `chance` of its total width; true when the point is
   * alone on its side. The cut is left in #lastDim and #lastAt. A leaf is always cut off: from one
   * like it, by whatever dimension is first.
   */
  #cut(node: number, point: Float32Array, chance: number): boolean {
    const dims = this.#dims;
    const at = node * dims;
    const low = this.#low;
    const high = this.#high;
    let width = 0;
    for (let i = 0; i < dims; i++) {
      const x = point[i]!;
      width += Math.max(high[at + i]!, x) - Math.min(low[at + i]!, x);
    }
    let left = chance * width;
    for (let i = 0; i < dims; i++) {
      const x = point[i]!;
      const least = Math.min(low[at + i]!, x);
      const side = Math.max(high[at + i]!, x) - least;
      if (left < side) {
        this.#lastDim = i;
        this.#lastAt = Math.fround(least + left);
        const isBelow = x <= this.#lastAt && low[at + i]! > this.#lastAt;
        const isAbove = x > this.#lastAt && high[at + i]! <= this.#lastAt;
        return isBelow || isAbove || this.#isLeaf(node);
      }
      left -= side;
    }
    this.#lastDim = 0;
    this.#lastAt = point[0]!;
    return this.#isLeaf(node);
  }

  #isLeaf(node: number): boolean {
    return node < this.#leaves;
  }

  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    return mixToUint32(this.#random) / 0x100000000;
  }

  /** Doubles the room for leaves: inner nodes move, since they are numbered above all leaves. */
  #grow(): void {
    const before = this.#leaves;
    const after = Math.min(this.#leavesMost, before === 0 ? FIRST_LEAVES : 4 * before);
    const dims = this.#dims;
    const moved = (node: number): number => (node < before ? node : node + after - before);
    const links = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const fresh = new Int32Array(2 * after).fill(NONE);
      for (let node = 0; node < old.length; node++) fresh[moved(node)] = moved(old[node]!);
      return fresh;
    };
    this.#left = links(this.#left);
    this.#right = links(this.#right);
    this.#parent = links(this.#parent);
    this.#count = spread(this.#count, new Int32Array(2 * after), { before, row: 1 });
    this.#cutDim = spread(this.#cutDim, new Int16Array(2 * after), { before, row: 1 });
    this.#cutAt = spread(this.#cutAt, new Float32Array(2 * after), { before, row: 1 });
    this.#low = spread(this.#low, new Float32Array(2 * after * dims), { before, row: dims });
    this.#high = spread(this.#high, new Float32Array(2 * after * dims), { before, row: dims });
    this.#root = this.#root === NONE ? NONE : moved(this.#root);
    const free = this.#freeInner.map(moved);
    for (let node = 2 * after - 1; node >= before + after; node--) free.unshift(node);
    this.#freeInner = free;
    this.#leaves = after;
  }
}

/** Copies rows of leaves to the front and rows of inner nodes to the second half. */
function spread<T extends Int32Array | Int16Array | Float32Array>(
  from: T,
  to: T,
  at: { readonly before: number; readonly row: number },
): T {
  const half = at.before * at.row;
  to.set(from.subarray(0, half), 0);
  to.set(from.subarray(half), to.length / 2);
  return to;
}
