import type { LearnedFigures, LearnedState } from '../domain/learned_state.js';
import { StateReader } from '../domain/state_reader.js';
import { StateWriter } from '../domain/state_writer.js';
import { ThymusError } from '../errors.js';
import { PARTITIONS } from '../models/partition.js';

/** What hangs on entities under a number. */
export interface SlotName {
  readonly name: string;
  readonly version: number;
}

/** What one shard knows, in pieces that go together with those of the others. */
export interface ShardState {
  readonly untilUs: number;
  readonly slots: readonly SlotName[];
  /** One piece for each part of the key space. */
  readonly entities: readonly Uint8Array[];
  readonly shared: readonly (readonly [detector: string, bytes: Uint8Array])[];
  readonly population: Uint8Array;
  /** Hosts of this shard alone. */
  readonly figures: LearnedFigures;
}

/**
 * Puts the states of all shards together, in the order of their numbers. The result is the same for
 * any number of shards that divides the parts of the key space, but for what detectors share.
 */
export function joinShardStates(shards: readonly ShardState[]): LearnedState {
  const [first] = shards;
  if (first === undefined) throw new ThymusError('INTERNAL', 'No shard gave its state.');
  const sections = new Map<string, Uint8Array>();
  const slots = new StateWriter();
  slots.json(first.slots);
  sections.set('slots', slots.take());
  sections.set('population', first.population);
  for (let p = 0; p < PARTITIONS; p++) {
    sections.set(`entities/${p}`, joined(shards.map((shard) => shard.entities[p]!)));
  }
  for (const [name] of first.shared) {
    const pieces = shards.map((shard) => shard.shared.find(([other]) => other === name)![1]);
    sections.set(`shared/${name}`, joined(pieces));
  }
  const untilUs = Math.max(...shards.map((shard) => shard.untilUs));
  const hosts = shards.reduce((sum, { figures }) => sum + figures.hosts, 0);
  return { untilUs, sections, figures: { ...first.figures, hosts } };
}

/** The pieces of a section that shards wrote. */
export function piecesOf(state: LearnedState, name: string, shiftUs: number): StateReader[] {
  const bytes = state.sections.get(name);
  if (bytes === undefined) return [];
  const from = new StateReader(bytes, shiftUs);
  const pieces: StateReader[] = [];
  while (from.left > 0) pieces.push(from.part());
  return pieces;
}

/** @throws ThymusError MODEL_INVALID */
export function slotsOf(state: LearnedState): readonly SlotName[] {
  return sectionOf(state, 'slots', 0).json() as readonly SlotName[];
}

/** @throws ThymusError MODEL_INVALID when there is no such section */
export function sectionOf(state: LearnedState, name: string, shiftUs: number): StateReader {
  const bytes = state.sections.get(name) ?? new Uint8Array(0);
  return new StateReader(bytes, shiftUs);
}

/** Nothing, where no shard has anything. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new StateWriter();
  for (const piece of pieces) if (piece.length > 0) out.bytes(piece);
  return out.take();
}
