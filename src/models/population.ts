import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { TickDelta } from '../domain/tick_exchange.js';
import { CONTACT_COUNTS, CONTACT_GROUPS, ContactPool } from './contact_pool.js';
import { EdgePool } from './edge_pool.js';
import { PartitionQuota } from './partition.js';
import { JOINT_FEATURES } from './novelty_features.js';
import { RandomCutForest } from './random_cut_forest.js';
import { SCORE_POOLS, ScorePools } from './score_pools.js';
import { LADDER_COUNTS, LadderPool } from './volume_ladder.js';

/** First sights and surprises that are contributed in a tick, at most; more are counted. */
const SIGHTS_PER_TICK_MOST = 16_384;

/** Scores that are contributed in a tick, at most; more are counted. */
const SCORES_PER_TICK_MOST = 32_768;

/** Points that are contributed in a tick, at most. */
const POINTS_PER_TICK_MOST = 4096;

/** The forest of novel behaviour (detectors/novelty.ts): 2 MB when full. */
const FOREST = { trees: 50, points: 256, dims: JOINT_FEATURES.length, keptLeast: 0.02 };

interface KeyedPoint {
  readonly key: number;
  readonly point: Float32Array;
}

interface Edge {
  readonly edge: number;
  readonly port: number;
}

export interface Sight extends Edge {
  /** Null where it should not be learned. */
  readonly surprise: number | null;
}

interface Pool {
  save(out: StateWriter): void;
  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void;
}

/**
 * What many entities do together, as one shard knows it: contributions of a tick become visible when
 * the tick is over and all shards have given theirs (domain/tick_exchange.ts).
 *
 * Contributions are sums and multisets, and each tick's are put together before they are learned, so
 * the pools are the same whatever entity was in which shard.
 */
export class Population {
  readonly contacts = new ContactPool();
  readonly edges = new EdgePool();
  /** Client fingerprints with their destinations, as edges whose port is the kind of fingerprint. */
  readonly prints = new EdgePool();
  readonly scores = new ScorePools();
  readonly ladders = new LadderPool();
  readonly forest = new RandomCutForest(FOREST);
  readonly #sightQuota = new PartitionQuota(SIGHTS_PER_TICK_MOST);
  readonly #contacts = new Float64Array(CONTACT_COUNTS * CONTACT_GROUPS);
  #hasContacts = false;
  #droppedSights = 0;
  #edges: Edge[] = [];
  #surprises: number[] = [];
  readonly #printQuota = new PartitionQuota(SIGHTS_PER_TICK_MOST);
  #prints: Edge[] = [];
  #printSurprises: number[] = [];
  readonly #scoreQuota = new PartitionQuota(SCORES_PER_TICK_MOST);
  /** Scores by pool, and how many there are. */
  readonly #scores: number[][] = SCORE_POOLS.map(() => []);
  #nScores = 0;
  readonly #ladders = new Float64Array(LADDER_COUNTS);
  #hasLadders = false;
  #points: KeyedPoint[] = [];
  readonly #pointQuota = new PartitionQuota(POINTS_PER_TICK_MOST);
  #waiting: TickDelta[] = [];

  /** A first contact of an entity in good standing came out; `isAbreast` as in the scan test. */
  contributeContact(group: number, answered: boolean, isAbreast: boolean): void {
    const at = CONTACT_COUNTS * group;
    this.#contacts[at + (answered ? 0 : 1)]!++;
    if (!answered && isAbreast) this.#contacts[at + 2]!++;
    this.#hasContacts = true;
  }

  /** First sights that were left out because a tick had too many. */
  get droppedSights(): number {
    return this.#droppedSights + this.#sightQuota.refusals + this.#printQuota.refusals;
  }

  /** A detector left out a first sight. */
  dropSight(): void {
    this.#droppedSights++;
  }

  /** The device of a key saw an edge for the first time. */
  contributeSight(device: number, sight: Sight): void {
    if (!this.#sightQuota.take(device)) return;
    this.#edges.push(sight);
    if (sight.surprise !== null) this.#surprises.push(sight.surprise);
  }

  /** The device of a key showed a fingerprint to a destination for the first time. */
  contributePrint(device: number, sight: Sight): void {
    if (!this.#printQuota.take(device)) return;
    this.#prints.push(sight);
    if (sight.surprise !== null) this.#printSurprises.push(sight.surprise);
  }

  /** Scores that were left out because a tick had too many. */
  get droppedScores(): number {
    return this.#scoreQuota.refusals;
  }

  /**
   * An entity of a key, in good standing, had this score in a pool.
   * @param pool position in SCORE_POOLS
   */
  contributeScore(entity: number, pool: number, score: number): void {
    if (!this.#scoreQuota.take(entity)) return;
    this.#scores[pool]!.push(score);
    this.#nScores++;
  }

  /** A volume that an entity in good standing sent climbed, or did not; `at` as of `countAt`. */
  contributeLadder(at: number): void {
    this.#ladders[at]!++;
    this.#hasLadders = true;
  }

  /** The features of an entity in good standing; copied. */
  contributePoint(key: number, point: Float32Array): void {
    if (this.#pointQuota.take(key)) this.#points.push({ key, point: point.slice() });
  }

  /** Ends the tick for this shard. Returns what it contributed, or null for nothing. */
  seal(tick: number): TickDelta | null {
    const isEmpty =
      this.#edges.length + this.#prints.length + this.#nScores + this.#points.length === 0;
    if (!this.#hasContacts && !this.#hasLadders && isEmpty) return null;
    const delta: TickDelta = {
      tick,
      contacts: this.#contacts.slice(),
      ...columnsOf(this.#edges),
      surprises: Float64Array.from(this.#surprises).sort(),
      ...printColumnsOf(this.#prints, this.#printSurprises),
      ...scoreColumnsOf(this.#scores),
      ladders: this.#hasLadders ? this.#ladders.slice() : NO_LADDERS,
      ...pointColumnsOf(this.#points),
    };
    this.#contacts.fill(0);
    this.#hasContacts = false;
    this.#edges = [];
    this.#surprises = [];
    this.#sightQuota.restart();
    this.#prints = [];
    this.#printSurprises = [];
    this.#printQuota.restart();
    for (const scores of this.#scores) scores.length = 0;
    this.#nScores = 0;
    this.#ladders.fill(0);
    this.#hasLadders = false;
    this.#points = [];
    this.#pointQuota.restart();
    this.#scoreQuota.restart();
    this.#waiting.push(delta);
    return delta;
  }

  /** Takes what other shards contributed; it stays invisible until `reach`. */
  receive(deltas: readonly TickDelta[]): void {
    this.#waiting.push(...deltas);
  }

  /** Makes the contributions to all ticks before `tick` visible. */
  reach(tick: number): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((delta) => delta.tick < tick).sort((a, b) => a.tick - b.tick);
    this.#waiting = this.#waiting.filter((delta) => delta.tick >= tick);
    for (let first = 0; first < due.length;) {
      let end = first + 1;
      while (end < due.length && due[end]!.tick === due[first]!.tick) end++;
      this.#learn(due.slice(first, end));
      first = end;
    }
  }

  /** Writes what is visible now. */
  save(out: StateWriter): void {
    for (const pool of this.#pools) out.part(() => pool.save(out));
  }

  /** REQUIRES: nothing was learned yet. */
  restore(from: StateReader): void {
    for (const pool of this.#pools) pool.restore(from.part());
  }

  /** In the order in which they are saved. */
  get #pools(): readonly Pool[] {
    return [this.contacts, this.edges, this.prints, this.scores, this.ladders, this.forest];
  }

  #learn(deltas: readonly TickDelta[]): void {
    const delta = deltas.length === 1 ? deltas[0]! : merged(deltas);
    const { tick, contacts, edges, edgePorts, surprises } = delta;
    this.contacts.learn(tick, contacts);
    this.edges.learn(edges, edgePorts, surprises);
    this.prints.learn(delta.prints, delta.printKinds, delta.printSurprises);
    this.scores.learn(delta.scorePools, delta.scores);
    if (delta.ladders.length > 0) this.ladders.learn(tick, delta.ladders);
    const { dims } = FOREST;
    for (let i = 0; i < delta.pointKeys.length; i++) {
      this.forest.insert(delta.points.subarray(i * dims, (i + 1) * dims));
    }
  }
}

const NO_LADDERS = new Float64Array(0);

function sumOf(parts: readonly Float64Array[]): Float64Array {
  const [first, ...others] = parts;
  if (first === undefined) return NO_LADDERS;
  const sum = first.slice();
  for (const part of others) part.forEach((n, i) => (sum[i]! += n));
  return sum;
}

/** Contributions of several shards to one tick. */
function merged(deltas: readonly TickDelta[]): TickDelta {
  const contacts = new Float64Array(CONTACT_COUNTS * CONTACT_GROUPS);
  for (const delta of deltas) delta.contacts.forEach((n, i) => (contacts[i]! += n));
  const edges = deltas.flatMap((delta) =>
    Array.from(delta.edges, (edge, i) => ({ edge, port: delta.edgePorts[i]! })),
  );
  return {
    tick: deltas[0]!.tick,
    contacts,
    ...columnsOf(edges),
    surprises: Float64Array.from(deltas.flatMap((delta) => [...delta.surprises])).sort(),
    ladders: sumOf(deltas.map((delta) => delta.ladders).filter((ladders) => ladders.length > 0)),
    ...pointColumnsOf(deltas.flatMap(pointsOf)),
    ...printColumnsOf(
      deltas.flatMap(({ prints, printKinds }) =>
        Array.from(prints, (edge, i) => ({ edge, port: printKinds[i]! })),
      ),
      deltas.flatMap((delta) => [...delta.printSurprises]),
    ),
    ...scoreColumnsOf(scoresByPool(deltas)),
  };
}

function columnsOf(unsorted: Edge[]): { edges: Float64Array; edgePorts: Uint16Array } {
  const sorted = unsorted.sort((a, b) => a.edge - b.edge);
  const edges = new Float64Array(sorted.length);
  const edgePorts = new Uint16Array(sorted.length);
  for (let i = 0; i < sorted.length; i++) {
    edges[i] = sorted[i]!.edge;
    edgePorts[i] = sorted[i]!.port;
  }
  return { edges, edgePorts };
}

function printColumnsOf(
  unsorted: Edge[],
  unsortedSurprises: readonly number[],
): { prints: Float64Array; printKinds: Uint16Array; printSurprises: Float64Array } {
  const { edges, edgePorts } = columnsOf(unsorted);
  const printSurprises = Float64Array.from(unsortedSurprises).sort();
  return { prints: edges, printKinds: edgePorts, printSurprises };
}

/** Columns of scores by pool: pools ascend, and the scores of each. */
function scoreColumnsOf(byPool: readonly (readonly number[])[]): {
  scorePools: Uint8Array;
  scores: Float64Array;
} {
  const n = byPool.reduce((sum, scores) => sum + scores.length, 0);
  const columns = { scorePools: new Uint8Array(n), scores: new Float64Array(n) };
  let at = 0;
  byPool.forEach((scores, pool) => {
    const end = at + scores.length;
    columns.scorePools.fill(pool, at, end);
    columns.scores.set(scores, at);
    columns.scores.subarray(at, end).sort();
    at = end;
  });
  return columns;
}

function scoresByPool(deltas: readonly TickDelta[]): number[][] {
  const byPool: number[][] = SCORE_POOLS.map(() => []);
  for (const { scorePools, scores } of deltas) {
    for (let i = 0; i < scores.length; i++) byPool[scorePools[i]!]!.push(scores[i]!);
  }
  return byPool;
}

function pointColumnsOf(unsorted: KeyedPoint[]): { pointKeys: Float64Array; points: Float32Array } {
  const sorted = unsorted.sort((a, b) => a.key - b.key);
  const points = new Float32Array(sorted.length * FOREST.dims);
  sorted.forEach(({ point }, i) => points.set(point, i * FOREST.dims));
  return { pointKeys: Float64Array.from(sorted, ({ key }) => key), points };
}

function pointsOf({ pointKeys, points }: TickDelta): KeyedPoint[] {
  const { dims } = FOREST;
  return Array.from(pointKeys, (key, i) => ({
    key,
    point: points.subarray(i * dims, (i + 1) * dims),
  }));
}
