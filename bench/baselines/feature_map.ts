/**
 * Groups features that go together: correlations are gathered online, then features are joined by
 * the nearest pair (single linkage over 1 - correlation) and the tree is cut from the top until no
 * group is larger than `most`.
 */
export class FeatureMap {
  readonly #n: number;
  readonly #sums: Float64Array;
  readonly #residues: Float64Array;
  readonly #squares: Float64Array;
  readonly #products: Float64Array;
  #count = 0;

  constructor(features: number) {
    this.#n = features;
    this.#sums = new Float64Array(features);
    this.#residues = new Float64Array(features);
    this.#squares = new Float64Array(features);
    this.#products = new Float64Array(features * features);
  }

  update(sample: ArrayLike<number>): void {
    const n = this.#n;
    this.#count++;
    for (let i = 0; i < n; i++) {
      this.#sums[i]! += sample[i]!;
      this.#residues[i] = sample[i]! - this.#sums[i]! / this.#count;
      this.#squares[i]! += this.#residues[i]! ** 2;
    }
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        this.#products[i * n + j]! += this.#residues[i]! * this.#residues[j]!;
      }
    }
  }

  /** The groups, each of at most `most` features. */
  groups(most: number): readonly (readonly number[])[] {
    const groups: number[][] = [];
    const cut = (node: Node): void => {
      if (node.members.length <= most || node.children === null) groups.push(node.members);
      else node.children.forEach(cut);
    };
    cut(this.#tree());
    return groups;
  }

  #tree(): Node {
    const n = this.#n;
    let nodes: Node[] = Array.from({ length: n }, (_, i) => ({ members: [i], children: null }));
    const ownerOf = nodes.slice();
    const pairs: [distance: number, i: number, j: number][] = [];
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) pairs.push([this.#distance(i, j), i, j]);
    }
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    for (const [, i, j] of pairs) {
      const [a, b] = [ownerOf[i]!, ownerOf[j]!];
      if (a === b) continue;
      const joined: Node = { members: [...a.members, ...b.members], children: [a, b] };
      for (const member of joined.members) ownerOf[member] = joined;
      nodes = nodes.filter((node) => node !== a && node !== b);
      nodes.push(joined);
    }
    return nodes[0]!;
  }

  #distance(i: number, j: number): number {
    const spread = Math.sqrt(this.#squares[i]!) * Math.sqrt(this.#squares[j]!);
    if (spread === 0) return 1;
    return Math.max(0, 1 - this.#products[i * this.#n + j]! / spread);
  }
}

interface Node {
  readonly members: number[];
  readonly children: readonly [Node, Node] | null;
}
