import type { EntityRef } from './entity.js';
import type { FlowRef } from './flow.js';
import type { LaneId } from './lanes.js';
import type { Order } from './order.js';

/** Stages of the kill chain, in their order. */
export const STAGES = [
  'recon',
  'initial',
  'c2',
  'cred',
  'lateral',
  'collect',
  'exfil',
  'impact',
] as const;
export type Stage = (typeof STAGES)[number];

/** One feature's part in a piece of evidence. The shares of all features sum to lnE. */
export interface FeatureShare {
  /** Name in plain words with its unit, e.g. "failed first contacts". */
  readonly feature: string;
  readonly observed: number;
  readonly expectedMedian: number;
  readonly expectedP99: number;
  /** Whose normal was expected: the entity's own, its peers', or a stated default. */
  readonly scope: 'self' | 'group' | 'default';
  readonly lnEShare: number;
  /** How many reference observations stand behind the expectation. */
  readonly nRef: number;
}

/** One observation of one detector about one entity. Not a score: E = exp(lnE) is an e-value. */
export interface Evidence {
  readonly lane: LaneId;
  readonly entity: EntityRef;
  /** The other side, in plain words or as an address, where there is one. */
  readonly other: string | null;
  readonly t0Us: number;
  readonly t1Us: number;
  readonly order: Order;
  readonly p: number;
  readonly lnE: number;
  readonly attack: readonly string[];
  readonly stage: Stage;
  /** One sentence for a person. */
  readonly reason: string;
  readonly features: readonly FeatureShare[];
  /** The flows behind it, the most telling first, at most 16. */
  readonly flows: readonly FlowRef[];
  /** The registrable domain name that it is about, where there is one. */
  readonly domain?: string;
}
