import type { SinkMemory } from '../batch/record_sink.js';
import { shiftFor, type LearnedState } from '../domain/learned_state.js';
import type { LanePriors } from '../domain/lane_priors.js';
import type { RunSummary } from '../domain/run.js';
import { StateReader } from '../domain/state_reader.js';
import { StateWriter } from '../domain/state_writer.js';
import type { IncidentBook } from '../fusion/incident_book.js';
import type { IncidentStream } from './incident_stream.js';
import type { Inventory } from './inventory.js';
import { joinShardStates, type ShardState } from './shard_state.js';

/** What a run goes on from, and who gets what it has learned. */
export interface Learning {
  /** Null: nothing. */
  readonly model: LearnedState | null;
  /** What operators have said of earlier incidents. */
  readonly priors: LanePriors;
  /** At the end of the run, and whenever `saveModel` asked for it; null: nobody. */
  readonly onLearned: ((state: LearnedState, seen: RunSummary) => void) | null;
}

/**
 * The main thread's part of a model: incidents and devices, and putting together what the shards
 * have learned. What shards go on from they read themselves.
 */
export class RunModel {
  readonly #learning: Learning;
  readonly #book: IncidentBook;
  readonly #incidents: IncidentStream;
  /** Null when this run keeps none. */
  #inventory: Inventory | null = null;
  #memories: readonly SinkMemory[] = [];
  #hasBegun = false;
  /** Those that were given since all had given theirs. */
  #states: (ShardState | null)[];

  constructor(learning: Learning, book: IncidentBook, incidents: IncidentStream, shards: number) {
    this.#learning = learning;
    this.#book = book;
    this.#incidents = incidents;
    this.#states = new Array<ShardState | null>(shards).fill(null);
  }

  /** What sinks learn. Before anything is known of the run. */
  useMemories(memories: readonly SinkMemory[]): void {
    this.#memories = memories;
  }

  /** Before anything is known of the run. */
  use(inventory: Inventory | null): void {
    this.#inventory = inventory;
  }

  /**
   * Goes on from the model, once, before the first record and the first alarm.
   * @param firstUs gives the time of the first packet
   * @throws ThymusError MODEL_INVALID
   */
  begin(firstUs: () => number): void {
    const { model } = this.#learning;
    if (this.#hasBegun || model === null) return;
    this.#hasBegun = true;
    const shiftUs = shiftFor(model, firstUs());
    const incidents = model.sections.get('incidents');
    // Those of another time do not go on.
    if (incidents !== undefined && shiftUs === 0) this.#book.restore(new StateReader(incidents));
    const devices = model.sections.get('devices');
    if (devices !== undefined) this.#inventory?.restore(new StateReader(devices, shiftUs));
    for (const memory of this.#memories) {
      const section = model.sections.get(sectionOf(memory));
      if (section !== undefined) memory.restore(new StateReader(section, shiftUs));
    }
  }

  /** True when a request for what was learned may be made: none is under way. */
  get isIdle(): boolean {
    return this.#learning.onLearned !== null && this.#states.every((state) => state === null);
  }

  /** Takes the state of a shard; true when it was the last. */
  take(shard: number, state: ShardState): boolean {
    this.#states[shard] = state;
    return !this.#states.includes(null);
  }

  /** REQUIRES: every shard has given its state. */
  give(seen: RunSummary): void {
    const states = this.#states.filter((state) => state !== null);
    this.#states = states.map(() => null);
    const state = joinShardStates(states);
    const sections = new Map(state.sections).set('incidents', this.#incidents.save());
    const devices = this.#devices();
    if (devices !== undefined) sections.set('devices', devices);
    for (const [name, bytes] of this.#memorySections()) sections.set(name, bytes);
    this.#learning.onLearned!({ ...state, sections }, seen);
  }

  /** What no sink of this run asks for is handed on. */
  #memorySections(): ReadonlyMap<string, Uint8Array> {
    const given = [...(this.#learning.model?.sections ?? [])];
    const sections = new Map(given.filter(([name]) => name.startsWith(SINK_SECTIONS)));
    for (const memory of this.#memories) {
      const out = new StateWriter();
      memory.save(out);
      sections.set(sectionOf(memory), out.take());
    }
    return sections;
  }

  /** A run without an inventory hands on what it got. */
  #devices(): Uint8Array | undefined {
    if (this.#inventory === null) return this.#learning.model?.sections.get('devices');
    const out = new StateWriter();
    this.#inventory.save(out);
    return out.take();
  }
}

const SINK_SECTIONS = 'sinks/';
const sectionOf = ({ name }: SinkMemory): string => `${SINK_SECTIONS}${name}`;
