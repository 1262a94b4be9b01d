import assert from 'node:assert/strict';
import { LANE_INDEX, LANE_WEIGHTS } from '../../../src/domain/lanes.js';
import { alarmThreshold } from '../../../src/fusion/budget.js';
import { EntityWealth, levelOf } from '../../../src/fusion/entity_wealth.js';
import { EVIDENCE_MOST, EvidenceKeeper } from '../../../src/fusion/evidence_keeper.js';
import { LaneWealth } from '../../../src/fusion/lane_wealth.js';
import { lnOutcomeRatio } from '../../../src/models/bernoulli.js';
import { lnEOfP } from '../../../src/models/e_value.js';
import type { Evidence } from '../../../src/domain/evidence.js';
import { seeded } from '../support/traffic.js';

const FAILED = lnOutcomeRatio(false, 0.2, 0.8);

describe('alarmThreshold', () => {
  it('is 16.67 nats for one false incident per day per 1,000 devices, 2.30 less for ten', () => {
    assert.ok(Math.abs(alarmThreshold(1) - 16.67) < 0.005);
    assert.ok(Math.abs(alarmThreshold(1) - alarmThreshold(10) - Math.log(10)) < 1e-12);
  });
});

describe('LANE_WEIGHTS', () => {
  it('sum to 1', () => {
    assert.ok(Math.abs(LANE_WEIGHTS.reduce((a, b) => a + b, 0) - 1) < 1e-12);
  });
});

describe('LaneWealth', () => {
  /** Failed contacts until weight * R reaches the threshold; `perTick` of them in each tick. */
  const contacts = (weight: number, perTick: number): number => {
    const lane = new LaneWealth(1, 0);
    for (let n = 1; n < 100; n++) {
      const tick = Math.floor((n - 1) / perTick) + 1;
      lane.bet(tick, FAILED);
      if (Math.log(weight) + lane.lnWealth(tick) >= alarmThreshold(1)) return n;
    }
    return NaN;
  };

  it('needs 12 failed contacts with the sum and 13 without for weight 1, 14 and 15 for lanes', () => {
    assert.equal(contacts(1, 1), 12);
    assert.equal(contacts(1, Infinity), 13);
    assert.equal(contacts(1 / 12, Infinity), 14);
    assert.equal(contacts(1 / 24, Infinity), 15);
    assert.equal(contacts(1 / 40, Infinity), 15);
  });

  it('adds one stake for each active tick and none between', () => {
    const lane = new LaneWealth(1, 0);
    assert.ok(Math.abs(lane.lnWealth(7) - Math.log(7)) < 1e-12);
    lane.bet(7, 0);
    lane.bet(7, 0);
    assert.ok(Math.abs(lane.lnWealth(7) - Math.log(7)) < 1e-12);
    assert.ok(Math.abs(lane.lnWealth(9) - Math.log(9)) < 1e-12);
  });

  it('is the plain recursion when it bets at every tick, and however long it rested', () => {
    const random = seeded(4);
    for (const phases of [1, 3, 14]) {
      const lane = new LaneWealth(phases, 0);
      const plain = new Float64Array(phases);
      for (let tick = 1; tick <= 500; tick++) {
        const isBet = random() < 0.3;
        const lnE = isBet ? random() - 0.6 : 0;
        const phase = tick % phases;
        plain[phase] = (plain[phase]! + 1) * Math.exp(lnE);
        if (isBet) lane.bet(tick, lnE);
        const mean = plain.reduce((a, b) => a + b, 0) / phases;
        assert.ok(Math.abs(lane.lnWealth(tick) - Math.log(mean)) < 1e-9, `tick ${tick}`);
      }
    }
  });
});

describe('EntityWealth', () => {
  it('says whether it is below something as its wealth does, without working that out', () => {
    const random = seeded(8);
    const lanes = [LANE_INDEX.scan_horizontal, LANE_INDEX.new_edge, LANE_INDEX.novelty];
    for (let life = 0; life < 50; life++) {
      const asked = new EntityWealth();
      const plain = new EntityWealth();
      let tick = 1;
      for (let i = 0; i < 400; i++) {
        if (random() < 0.5) tick += Math.ceil(3 * random() ** 4 * 40);
        const lane = lanes[Math.floor(3 * random())]!;
        const lnE = random() < 0.3 ? 2.5 * random() : -random();
        asked.bet(lane, tick, lnE);
        plain.bet(lane, tick, lnE);
        for (const ln of [alarmThreshold(1) / 3, alarmThreshold(1)]) {
          assert.equal(asked.isBelow(levelOf(ln), tick), plain.lnWealth(tick) < ln);
        }
      }
    }
  });

  it('keeps the weight of lanes that are not built, or say nothing, at rest', () => {
    const wealth = new EntityWealth();
    assert.ok(wealth.lnWealth(1) <= 1e-12);
    wealth.bet(LANE_INDEX.scan_horizontal, 1, 20);
    const lnWeight = Math.log(LANE_WEIGHTS[LANE_INDEX.scan_horizontal]!);
    assert.ok(Math.abs(wealth.lnWealth(1) - (lnWeight + 20)) < 1e-6);
  });

  it('does not let one extrapolated tick of a generic lane alarm alone', () => {
    const wealth = new EntityWealth();
    wealth.bet(LANE_INDEX.new_edge, 1, lnEOfP(1e-12));
    assert.ok(wealth.lnWealth(1) < alarmThreshold(1));
  });
});

describe('noise worlds', () => {
  /** The first lag at which the autocorrelation of an AR(1) process falls below 1/4. */
  const phasesFor = (rho: number): number =>
    rho === 0 ? 1 : Math.min(60, Math.ceil(Math.log(0.25) / Math.log(rho)));

  /** Upper-tail p of a standard normal value, by the complementary error function. */
  const upperTail = (z: number): number => {
    const t = 1 / (1 + 0.2316419 * Math.abs(z));
    const poly =
      t *
      (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
    return Math.min(1, Math.max(1e-12, z >= 0 ? tail : 1 - tail));
  };

  const ENTITIES = 10;
  const TICKS = 17_280;
  const RUN_LENGTH = 1e4;

  const alarms = (rho: number, phases: number): number => {
    const random = seeded(Math.round(rho * 100) + phases);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const innovation = Math.sqrt(1 - rho * rho);
    let count = 0;
    for (let entity = 0; entity < ENTITIES; entity++) {
      let lane = new LaneWealth(phases, 0);
      let z = normal();
      for (let tick = 1, since = 1; tick <= TICKS; tick++, since++) {
        z = rho * z + innovation * normal();
        lane.bet(since, lnEOfP(upperTail(z)));
        if (lane.lnWealth(since) < Math.log(RUN_LENGTH)) continue;
        count++;
        lane = new LaneWealth(phases, 0);
        since = 0;
      }
    }
    return count;
  };

  const allowed = (ENTITIES * TICKS) / RUN_LENGTH;
  for (const rho of [0, 0.5, 0.9, 0.97]) {
    it(`stay within the budget at autocorrelation ${rho}`, () => {
      const count = alarms(rho, phasesFor(rho));
      assert.ok(count <= allowed, `${count} alarms, ${allowed} allowed`);
    });
  }

  it('break it without phases, which is why there are phases', () => {
    assert.ok(alarms(0.9, 1) > 10 * allowed);
  });
});

describe('EvidenceKeeper', () => {
  const piece = (lnE: number, t1Us: number) => ({ lnE, t1Us }) as Evidence;

  it('keeps the first, the last and the most telling, and counts all', () => {
    const keeper = new EvidenceKeeper();
    for (let i = 0; i < 5000; i++) {
      const lnE = i === 1234 ? 9 : 1;
      if (keeper.wants(lnE)) keeper.keep(piece(lnE, i));
    }
    const kept = keeper.list();
    assert.equal(keeper.count, 5000);
    assert.equal(kept.length, EVIDENCE_MOST);
    assert.equal(kept[0]!.t1Us, 0);
    assert.ok(kept.at(-1)!.t1Us > 4000);
    assert.ok(kept.some((evidence) => evidence.lnE === 9));
    assert.deepEqual(
      kept,
      [...kept].sort((a, b) => a.t1Us - b.t1Us),
    );
  });
});
