import type { EntityRef } from '../domain/entity.js';
import type { Stage } from '../domain/evidence.js';
import type { Alarm, Severity } from '../domain/incident.js';
import { ASSET_VALUE, STAGE_WEIGHT } from '../domain/stakes.js';
import { NO_PRIORS, type LanePriors } from '../domain/lane_priors.js';

/** Prior odds that a device is under attack on a day. */
const PRIOR_ODDS = 1e-4;

/**
 * Posterior probability that an alarm is real: o / (1 + o) with o = prior odds * e^(S - ln ticks).
 * The ticks are those the winning lane ran for, which takes out the wealth that waiting alone earns.
 * What is normal was learned from all packets: where a share of them is missing, answers seem to be
 * missing, too, so that the same share is taken off. What operators have said of that lane's
 * incidents changes the prior odds.
 */
export function confidenceOf(alarm: Alarm, priors: LanePriors = NO_PRIORS): number {
  const lnPrior = Math.log(PRIOR_ODDS) + (priors[alarm.lanes[0]!.lane] ?? 0);
  const lnOdds = lnPrior + alarm.lnWealth - Math.log(alarm.ticksRunning);
  return (1 - (alarm.loss ?? 0)) / (1 + Math.exp(-lnOdds));
}

const LEVELS: readonly (readonly [number, Severity])[] = [
  [1.2, 'critical'],
  [0.6, 'high'],
  [0.3, 'medium'],
];

/** Asset value times stage weight, summed over the entities that are part of it. */
export function severityOf(entities: readonly EntityRef[], stage: Stage): Severity {
  const value = entities.reduce((sum, entity) => sum + ASSET_VALUE[entity.kind], 0);
  const score = value * STAGE_WEIGHT[stage];
  return LEVELS.find(([least]) => score >= least)?.[1] ?? 'low';
}
