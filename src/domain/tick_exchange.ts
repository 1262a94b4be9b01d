/**
 * How shards share views of many entities (what peers do, what the network does) without sharing
 * memory. Each shard adds up its contributions of a tick and hands them to the others once.
 *
 * The rule that makes one and many shards agree to the bit: **a record of tick t sees the
 * contributions of all shards to ticks before t, and no others.** So
 *
 * - before a shard looks at its first record of tick t, it calls `announce(t, ...)` with its own
 *   contributions so far and then `collect(t)`, which waits for the other shards;
 * - a shard that has nothing to look at learns from the watermarks of its batches that time went on,
 *   and announces that, without waiting;
 * - ticks in which a shard contributed nothing have no delta, so an idle night is one step, however
 *   many ticks it had. How records were cut into batches changes when a shard announces, never what.
 *
 * It cannot lock up: the shard with the earliest unread record waits for nobody, since the others
 * have announced at least that record's tick or will when their watermark reaches it.
 */
export interface TickExchange {
  /**
   * Says that this shard adds nothing more to ticks before `frontier`, and hands over what it added
   * to them since the last call. Never waits. Frontiers rise; the last one is Infinity.
   */
  announce(frontier: number, deltas: readonly TickDelta[]): void;

  /**
   * Waits until every other shard has announced `frontier` or more.
   * @returns the deltas of the other shards that were not returned before; later ticks may be among
   * them
   */
  collect(frontier: number): readonly TickDelta[];
}

/** Contributions of one shard to one tick. Plain numbers and typed arrays: it can be cloned. */
export interface TickDelta {
  readonly tick: number;
  /** First contacts per group: answered, failed, and failed abreast, in the order of the groups. */
  readonly contacts: Float64Array;
  /** Edges seen for the first time by a device, and their port's role; sorted by edge. */
  readonly edges: Float64Array;
  readonly edgePorts: Uint16Array;
  /** Surprises of those first sights, sorted. */
  readonly surprises: Float64Array;
  /** The same of client fingerprints with their destinations, kinds of fingerprints for ports. */
  readonly prints: Float64Array;
  readonly printKinds: Uint16Array;
  readonly printSurprises: Float64Array;
  /** Pools of statistics (models/score_pools.ts), and a score of each; sorted by both. */
  readonly scorePools: Uint8Array;
  readonly scores: Float64Array;
  /** Steps of volumes that were climbed or not (models/volume_ladder.ts); empty for none. */
  readonly ladders: Float64Array;
  /** Points of novel behaviour, one row of numbers each, by the key of the entity, which ascends. */
  readonly pointKeys: Float64Array;
  readonly points: Float32Array;
}

/** The exchange of a shard that is alone. */
export const NO_EXCHANGE: TickExchange = {
  announce: () => undefined,
  collect: () => [],
};
