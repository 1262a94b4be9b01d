import { TICKS_PER_DAY } from '../domain/tick.js';

const DEVICES = 1000;

/**
 * The one threshold: ln of the run length, in ticks of one device, between two false incidents.
 * 1 false incident per day per 1,000 devices is 1.728e7 ticks: 16.67 nats.
 * @param falseIncidentsPerDayPer1000 the operator's budget, > 0
 */
export function alarmThreshold(falseIncidentsPerDayPer1000: number): number {
  return Math.log((DEVICES * TICKS_PER_DAY) / falseIncidentsPerDayPer1000);
}
