import type { LaneId } from './lanes.js';

/**
 * What operators have said about incidents, by the lane that won: ln of the factor on the odds that
 * such an incident is real. Lanes without feedback have none.
 */
export type LanePriors = Readonly<Partial<Record<LaneId, number>>>;

export const NO_PRIORS: LanePriors = {};

export type Feedback = 'benign' | 'attack';

/** However much is said, odds change by no more than this factor. */
const FACTOR_MOST = 100;

/**
 * Odds of the Beta(1, 1) posterior, over those of its prior: (1 + attacks) / (1 + benign ones). It
 * changes how sure an incident is told to be, and never what alarms: a test that had to explain
 * itself less each time it was wrong would soon say nothing.
 */
export function lnPriorFactor(said: { readonly attack: number; readonly benign: number }): number {
  const ln = Math.log((1 + said.attack) / (1 + said.benign));
  const most = Math.log(FACTOR_MOST);
  return Math.max(-most, Math.min(most, ln));
}
