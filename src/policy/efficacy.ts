import type { ActionKind } from '../domain/action.js';
import type { LaneId } from '../domain/lanes.js';

type Row = Readonly<Partial<Record<ActionKind, number>>>;

/**
 * Probability that a measure which covers a piece of evidence stops what it speaks of, before
 * anything was learned from actions taken: estimates by what each measure leaves open. The single
 * source of these figures. A kind that is not named does not help.
 */
const USUAL: Row = {
  record: 0.02,
  rate_limit: 0.3,
  block_edge: 0.9,
  block_external: 0.9,
  hold_pattern: 0.85,
  isolate: 0.98,
};

/** Where a lane differs: what an attacker does next, or what the measure cannot reach. */
const OF_LANE: Readonly<Partial<Record<LaneId, Row>>> = {
  // The victim's address is lost as the attacker wants; what shares its link is saved.
  syn_flood: { limit_sources: 0.6, rate_limit: 0.3, blackhole: 0.3 },
  volumetric_flood: { limit_sources: 0.5, rate_limit: 0.2, blackhole: 0.4 },
  // Whoever sends data out has other places to send it to.
  exfiltration: { ...USUAL, block_edge: 0.8, block_external: 0.8, rate_limit: 0.6 },
  beacon: { ...USUAL, block_edge: 0.75, block_external: 0.8 },
  fingerprint: { ...USUAL, block_edge: 0.75, block_external: 0.8 },
  mining: { ...USUAL, block_edge: 0.8, block_external: 0.8 },
  // The edge to the resolver is part of every pattern of life.
  dns_tunnel: { ...USUAL, sinkhole: 0.9, hold_pattern: 0.1, block_edge: 0.95 },
  dga: { ...USUAL, block_edge: 0.3 },
  worm: { ...USUAL, rate_limit: 0.4 },
  lateral: { ...USUAL, block_edge: 0.7 },
  survey: { ...USUAL, rate_limit: 0.6 },
  novelty: { ...USUAL, hold_pattern: 0.7 },
  // Who lies about its address is not reached by it.
  binding: { record: 0.02 },
  subscriber: { record: 0.02 },
};

/** @returns 0 to 1 */
export function efficacyOf(lane: LaneId, kind: ActionKind): number {
  return (OF_LANE[lane] ?? USUAL)[kind] ?? 0;
}

/** What each kind of measure asks of people, in minutes of an asset's value. */
export const ANNOYANCE: Readonly<Record<ActionKind, number>> = {
  observe: 0,
  record: 0.01,
  limit_sources: 0.1,
  rate_limit: 0.2,
  block_edge: 0.2,
  sinkhole: 0.3,
  block_external: 0.3,
  hold_pattern: 0.5,
  blackhole: 3,
  isolate: 3,
};
