import assert from 'node:assert/strict';
import { TICKS_PER_DAY } from '../../../src/domain/tick.js';
import { LANE_INDEX, LANES, type LaneId } from '../../../src/domain/lanes.js';
import { LaneWealth } from '../../../src/fusion/lane_wealth.js';
import { benignWorld } from '../support/benign_world.js';
import { betsOn, judge, type SeenBet } from '../support/traffic.js';

/** Low enough that alarms of a broken null model would show in hours. */
const RUN_LENGTH = 1e4;
const HOURS = 3;
/** Of the devices of a world. */
const WORKSTATIONS = 14;

/** Bets of a lane below which their mean says little. */
const LEAST_BETS = 300;

/** The alarms of each lane had it all the stake, counted as the wealth starts anew after each. */
function alarmsByLane(bets: readonly SeenBet[]): Map<LaneId, number> {
  const alarms = new Map<LaneId, number>();
  const wealth = new Map<string, LaneWealth>();
  for (const { lane, address, activeTick, lnE } of bets) {
    const key = `${lane} ${address}`;
    const own =
      wealth.get(key) ??
      new LaneWealth(LANES.find(({ id }) => id === lane)!.phases, LANE_INDEX[lane]);
    own.bet(activeTick, lnE);
    const isAlarm = own.lnWealth(activeTick) - Math.log(activeTick) >= Math.log(RUN_LENGTH);
    if (isAlarm) alarms.set(lane, (alarms.get(lane) ?? 0) + 1);
    if (isAlarm) wealth.delete(key);
    else wealth.set(key, own);
  }
  return alarms;
}

/** The mean of e^lnE of each lane, which must not be above 1. */
function meansByLane(bets: readonly SeenBet[]): Map<LaneId, { mean: number; n: number }> {
  const means = new Map<LaneId, { mean: number; n: number }>();
  for (const { lane, lnE } of bets) {
    const own = means.get(lane) ?? { mean: 0, n: 0 };
    own.n++;
    own.mean += (Math.exp(lnE) - own.mean) / own.n;
    means.set(lane, own);
  }
  return means;
}

describe('a benign world', () => {
  for (const seed of [1, 2]) {
    it(`gives no lane wealth that it should not have, world ${seed}`, () => {
      const bets = betsOn(benignWorld(seed, HOURS));
      assert.ok(new Set(bets.map(({ lane }) => lane)).size >= 10);
      assert.deepEqual([...alarmsByLane(bets)], []);
      for (const [lane, { mean, n }] of meansByLane(bets)) {
        assert.ok(n < LEAST_BETS || mean < 1.05, `${lane}: ${mean} of ${n}`);
      }
    });
  }

  it('gives no more alarms than a budget that hours would use up allows', () => {
    const falseIncidentsPerDayPer1000 = (1000 * TICKS_PER_DAY) / RUN_LENGTH;
    const { incidents } = judge(benignWorld(4, HOURS), { falseIncidentsPerDayPer1000 });
    const allowed = (WORKSTATIONS * HOURS * TICKS_PER_DAY) / 24 / RUN_LENGTH;
    assert.ok(incidents.length <= allowed, incidents.map(({ summary }) => summary).join('\n'));
  });
});
