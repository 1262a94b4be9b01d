import { TICK_US, tickOf } from './tick.js';

/**
 * What a run has learned: named pieces of bytes, each written by a `StateWriter`. Who reads one
 * knows its layout; one that nobody asks for is passed over.
 *
 *   slots          JSON: what hangs on entities, by number: names with their versions
 *   population     what many entities do together
 *   entities/P     entities of part P of the key space (models/partition.ts), a part a shard
 *   shared/NAME    what a detector keeps that belongs to no entity, a part a shard
 *   incidents      incidents that can still grow
 *   devices        the inventory
 *   sinks/NAME     what a sink of published records has learned
 */
export interface LearnedState {
  /** Until when it was learned, engine time in microseconds. */
  readonly untilUs: number;
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly figures: LearnedFigures;
}

/** How much was learned, for people. */
export interface LearnedFigures {
  /** That gave two-way proof. */
  readonly hosts: number;
  /** Destinations and ports that some device uses. */
  readonly edges: number;
  /** Devices that used an edge for the first time, over all edges. */
  readonly firstSights: number;
}

/** What the end of a run says about itself comes after this moment, and is no news to the next. */
export function endOfLearning(untilUs: number): number {
  return (tickOf(untilUs) + 1) * TICK_US;
}

const WEEK_US = 7 * 86_400e6;

/**
 * How far the moments of a model are moved for a run that begins at `firstUs`: not at all when it
 * begins later, else back by whole weeks, so that weekdays and hours stay what they are.
 * @param firstUs time of the first packet; 0 when there is none
 */
export function shiftFor(state: LearnedState, firstUs: number): number {
  const ahead = state.untilUs - firstUs;
  return ahead <= 0 || firstUs === 0 ? 0 : -Math.ceil(ahead / WEEK_US) * WEEK_US;
}
