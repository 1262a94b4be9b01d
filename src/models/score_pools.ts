import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { lnEOfP } from './e_value.js';
import { ConformalRank } from './conformal.js';
import { NOVELTY_FEATURES, type NoveltyFeatureId } from './novelty_features.js';

/** Statistics of which each is ranked against those of all entities of the network. */
export const SCORE_POOLS = [
  'beacon_8',
  'beacon_12',
  'beacon_16',
  'beacon_24',
  'beacon_32',
  'beacon_48',
  'forest',
  'old_flow',
  ...NOVELTY_FEATURES.map(({ id }): `value_${NoveltyFeatureId}` => `value_${id}`),
  ...NOVELTY_FEATURES.map(({ id }): `novel_${NoveltyFeatureId}` => `novel_${id}`),
] as const;

export type ScorePool = (typeof SCORE_POOLS)[number];

export const SCORE_POOL_INDEX = Object.fromEntries(
  SCORE_POOLS.map((name, i) => [name, i]),
) as Record<ScorePool, number>;

/** Fewer references than this say nothing: a rank among them could not be rare. */
const REFERENCES_LEAST = 20;

/**
 * Past scores of all entities, one conformal rank a pool (models/conformal.ts). A pool takes memory
 * with its first score.
 */
export class ScorePools {
  readonly #ranks: (ConformalRank | null)[] = SCORE_POOLS.map(() => null);

  /** Learns the scores of one tick: pools, and the score of each, ascending in both. */
  learn(pools: Uint8Array, scores: Float64Array): void {
    for (let i = 0; i < scores.length; i++) {
      (this.#ranks[pools[i]!] ??= new ConformalRank()).accept(scores[i]!);
    }
  }

  /** References in a pool. */
  size(pool: number): number {
    return this.#ranks[pool]?.size ?? 0;
  }

  /** p-value of a score: small when it is higher than those of other entities; 1 without references. */
  p(pool: number, score: number): number {
    return this.size(pool) < REFERENCES_LEAST ? 1 : this.#ranks[pool]!.p(score);
  }

  /** `p` by rank alone: for scores whose tail differs from entity to entity, or has ties. */
  rank(pool: number, score: number): number {
    return this.size(pool) < REFERENCES_LEAST ? 1 : this.#ranks[pool]!.rank(score);
  }

  /** Evidence of a score by rank alone, nats; 0 as long as there is too little to rank it against. */
  lnERank(pool: number, score: number): number {
    return this.size(pool) < REFERENCES_LEAST ? 0 : lnEOfP(this.rank(pool, score));
  }

  /** Evidence of a score, nats; 0 as long as there is too little to rank it against. */
  lnE(pool: number, score: number): number {
    return this.size(pool) < REFERENCES_LEAST ? 0 : lnEOfP(this.#ranks[pool]!.p(score));
  }

  /** Pools are written by name: other versions may number them otherwise. */
  save(out: StateWriter): void {
    SCORE_POOLS.forEach((name, pool) => {
      const rank = this.#ranks[pool] ?? null;
      if (rank === null) return;
      out.text(name);
      out.part(() => rank.save(out));
    });
  }

  /** Reads to the end of `from`; pools that are no more are left out. REQUIRES: nothing was learned. */
  restore(from: StateReader): void {
    while (from.left > 0) {
      const pool = SCORE_POOLS.indexOf(from.text() as ScorePool);
      const part = from.part();
      if (pool >= 0) (this.#ranks[pool] ??= new ConformalRank()).restore(part);
    }
  }

  /** The score that a share `q` of the references stays below; NaN without references. */
  quantile(pool: number, q: number): number {
    return this.#ranks[pool]?.quantile(q) ?? NaN;
  }
}
