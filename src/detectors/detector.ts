import type { EventRowView, FlowRowView } from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import type { LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntitySpec } from '../models/entity_table.js';
import type { Population } from '../models/population.js';

/**
 * A detector turns records into bets (e-values) about entities.
 *
 * It is pure: no clock, no I/O, no randomness, no memory but the entity's slot that it was given and
 * bounded tables of its own. It sees what is normal only through the past: first it bets, then it
 * may learn. One file each; its opening comment names the ATT&CK techniques, memory, cold start, how
 * to evade it and what counters that.
 */
export interface Detector extends DetectorMemory {
  readonly name: string;
  /** The lanes that it bets on. */
  readonly lanes: readonly LaneId[];

  /** A flow record, judged from the originator's side; `entity` is the originator. */
  onFlow?(row: FlowRowView, entity: Entity, context: DetectorContext): void;

  /** The same, judged from the other side; `entity` is the responder, which is internal. */
  onFlowTo?(row: FlowRowView, entity: Entity, context: DetectorContext): void;

  /** Kinds of events that it wants of hosts which this shard judges: they come to both their ends. */
  readonly eventsOfEnds?: readonly number[];
  /** Kinds that speak of a whole link: every shard gets them. */
  readonly eventsOfLinks?: readonly number[];
  /** An event of one of these kinds; its fields are at `context.bytes`. */
  onEvent?(event: EventRowView, context: DetectorContext): void;

  /** `context.tick` ends; what was gathered over it may be bet on. Not called for empty ticks. */
  onTickEnd?(context: DetectorContext): void;

  /** There are no more records; what is still open may be judged. After the last `onTickEnd`. */
  onRunEnd?(context: DetectorContext): void;

  /** What an entity did, in words that follow its name: "tried 243 addresses on port 445". */
  describe(entity: Entity, lane: LaneId): string;
}

/**
 * How what a detector has learned outlives a run. One that has no `memoryVersion` starts anew with
 * each run; what one of another version saved is left out, the rest of the model is not.
 *
 * States are saved between two ticks: what a tick gathered was bet on before. They are restored
 * before the first record, into slots that are empty. Readers throw where bytes are not what is
 * asked for, and limits of tables hold for what is read, too.
 */
export interface DetectorMemory {
  /** Of the bytes that it writes, from 1; raised whenever they change their meaning. */
  readonly memoryVersion?: number;

  /** Writes the slot of an entity. REQUIRES: it is not empty. */
  saveEntity?(entity: Entity, out: StateWriter): void;
  /** Fills the slot by what `saveEntity` wrote. */
  restoreEntity?(entity: Entity, from: StateReader): void;

  /** Writes what belongs to no entity. */
  saveShared?(out: StateWriter): void;
  /**
   * Called once for each shard of the run that saved, in their order, however many there are now,
   * when the entities are there. What is about an entity that `find` does not find is for others.
   */
  restoreShared?(from: StateReader, find: (key: number) => Entity | undefined): void;
}

/** What a detector may use. Valid during the call. */
export interface DetectorContext {
  /** Engine time of the record, microseconds. */
  readonly timeUs: number;
  readonly tick: number;
  readonly population: Population;

  /** Fields of the current event: memory, first byte, length. */
  readonly bytes: Uint8Array;
  readonly bodyAt: number;
  readonly bodyBytes: number;

  /**
   * Multiplies the wealth of a lane by e^lnE.
   * @param lane position in LANES
   * @returns true when `explain` should follow
   */
  bet(entity: Entity, lane: number, lnE: number): boolean;

  /** Says why the last bet won. */
  explain(entity: Entity, lane: number, draft: EvidenceDraft): void;

  /** True when what the entity does may teach models what is normal. */
  isClean(entity: Entity): boolean;

  /** True when the operator has declared that the entity searches the network; not for each record. */
  mayScan(entity: Entity): boolean;

  /** True when this shard judges the entity of a key. */
  owns(key: number): boolean;

  /** The entity of a key, seen now; made when it is new. */
  entity(spec: EntitySpec): Entity;
  find(key: number): Entity | undefined;

  /** The two ends of the current event, seen now. */
  sender(): Entity;
  receiver(): Entity;

  /** The current flow, or that of the current event, to be found again in any tool. */
  flowRef(): FlowRef;
}

/** The part of evidence that only the detector knows. */
export interface EvidenceDraft {
  readonly other: string | null;
  /** Since when, microseconds; and until when, if not until now. */
  readonly t0Us: number;
  readonly t1Us?: number;
  readonly lnE: number;
  readonly p: number;
  /** One sentence for a person. */
  readonly reason: string;
  /** Their shares sum to lnE. */
  readonly features: readonly FeatureShare[];
  readonly flows: readonly FlowRef[];
  readonly domain?: string;
}
