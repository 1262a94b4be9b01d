import assert from 'node:assert/strict';
import { compareAlarms } from '../../../src/domain/incident.js';
import { GammaPoisson } from '../../../src/models/gamma_poisson.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

describe('counts in windows', () => {
  it('have hazards that give back their distribution, and learn from what was', () => {
    const prior = { shape: 1, rate: 1 };
    const rate = new GammaPoisson();
    // Shape 1 is geometric: half of all windows have one more, whatever they have.
    for (const n of [0, 1, 5, 40]) assert.ok(Math.abs(rate.hazard(n, prior) - 0.5) < 1e-9);
    const few = { shape: 0.1, rate: 2 };
    assert.ok(Math.abs(rate.hazard(0, few) - (1 - (2 / 3) ** 0.1)) < 1e-9);
    for (let i = 0; i < 20; i++) rate.learn(10);
    assert.ok(rate.hazard(0, few) > 0.99);
  });
});

describe('worm', () => {
  /** Each victim is found by the one before, and looks for others. */
  const outbreak = (victims: number): Traffic => {
    const traffic = new Traffic();
    for (let i = 0; i < victims; i++) {
      const from = `10.0.0.${10 + i}`;
      const next = `10.0.0.${11 + i}`;
      traffic.connect({ at: 100 * i, from, to: next, port: 445 });
      for (let k = 0; k < 40; k++) {
        const flow = { at: 100 * i + 110 + k, from: next, to: `10.0.${2 + i}.${k}`, port: 445 };
        if (k % 3 === 0) traffic.connect(flow);
        else traffic.unanswered(flow);
      }
    }
    return traffic;
  };

  it('is told of at its victims, with who came before', () => {
    const { incidents } = judge(outbreak(3));
    const worm = incidents.filter((i) => i.detectors.includes('worm'));
    assert.ok(worm.length > 0);
    const reasons = worm.flatMap((i) => i.evidence.map((e) => `${e.entity.address} ${e.reason}`));
    assert.ok(
      reasons.some((r) =>
        /^10\.0\.0\.12 was contacted by 10\.0\.0\.11 on port 445 and then/.test(r),
      ),
      reasons.join('\n'),
    );
  });

  it('is told of without a single failure, within twenty victims', () => {
    const traffic = new Traffic();
    traffic.connect({ at: 0, from: '10.0.0.10', to: '10.0.0.11', port: 22 });
    for (let k = 0; k < 40; k++) {
      traffic.connect({ at: 10 + k, from: '10.0.0.11', to: `10.0.2.${k}`, port: 22 });
    }
    const { alarms, incidents } = judge(traffic);
    assert.equal(incidents[0]!.detectors[0], 'worm');
    assert.ok(alarms[0]!.timeUs - START_US <= 31e6, `${alarms[0]!.timeUs - START_US}`);
  });

  it('is judged the same with several shards', () => {
    const one = judge(outbreak(3)).alarms;
    for (const shards of [2, 3]) {
      assert.deepEqual(judge(outbreak(3), { shards }).alarms.sort(compareAlarms), one);
    }
  });

  it('is remembered by the next run', () => {
    const traffic = outbreak(3);
    for (const at of [2500, 5000]) {
      traffic.connect({ at, from: '10.0.0.10', to: '10.0.0.12', port: 22 });
      traffic.connect({ at: at + 5, from: '10.0.0.12', to: `10.0.9.${at / 100}`, port: 22 });
    }
    assertGoesOn(traffic, [105, 130, 240, 2505, 4000]);
  });

  it('is not a file server that asks its domain, nor services that call each other', () => {
    const random = seeded(4);
    const traffic = new Traffic();
    for (let i = 0; i < 60; i++) {
      traffic.connect({ at: i * 60, from: `10.0.1.${i}`, to: '10.0.0.20', port: 445 });
      traffic.connect({ at: i * 60 + 1, from: '10.0.0.20', to: '10.0.0.2', port: 445 });
      for (let k = 0; k < 3; k++) {
        const [from, to] = [0, 0].map(() => `10.0.3.${Math.floor(random() * 20)}`);
        if (from !== to) traffic.connect({ at: i * 60 + k, from: from!, to: to!, port: 8443 });
      }
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  it('is not an administrator at work, who contacts and is not contacted', () => {
    const traffic = new Traffic();
    for (let k = 0; k < 60; k++) {
      traffic.connect({ at: k * 20, from: '10.0.0.9', to: `10.0.2.${k}`, port: 22 });
    }
    traffic.connect({ at: 700, from: '10.0.2.3', to: '10.0.0.9', port: 22 });
    assert.deepEqual(
      judge(traffic).incidents.filter((i) => i.detectors.includes('worm')),
      [],
    );
  });
});

describe('lateral movement', () => {
  /** A host that has browsed and used its file server for two hours. */
  const office = (): Traffic => {
    const traffic = new Traffic();
    for (let at = 0; at < 7200; at += 5) {
      traffic.connect({ at, from: '10.0.0.30', to: '203.0.113.5', port: 443 });
    }
    for (let at = 0; at < 7200; at += 300) {
      traffic.connect({ at, from: '10.0.0.30', to: '10.0.0.2', port: 445 });
    }
    return traffic;
  };
  const attack = (traffic: Traffic, isReached: boolean): Traffic => {
    const reached = { at: 6000, from: '10.0.0.66', to: '10.0.0.30', port: 3389 };
    if (isReached) traffic.connect(reached);
    for (let i = 0; i < 12; i++) {
      traffic.connect({ at: 6060 + 60 * i, from: '10.0.0.30', to: `10.0.4.${i}`, port: 5985 });
    }
    return traffic;
  };

  it('is told of at the host that was reached and used, with its path', () => {
    const { incidents } = judge(attack(office(), true));
    assert.equal(incidents.length, 1);
    assert.equal(incidents[0]!.entity.address, '10.0.0.30');
    assert.ok(incidents[0]!.detectors.includes('lateral'));
    const reasons = incidents[0]!.evidence.map((piece) => piece.reason).join('\n');
    assert.match(reasons, /was reached by 10\.0\.0\.66 and then ran \d+ hosts that nobody here/);
  });

  it('is remembered by the next run', () => {
    assertGoesOn(attack(office(), true), [3000, 6030, 6400]);
  });

  it('needs that somebody came before', () => {
    const { incidents } = judge(attack(office(), false));
    assert.deepEqual(
      incidents.filter((i) => i.detectors.includes('lateral')),
      [],
    );
  });

  it('is not bet on while all of a host is new', () => {
    const { incidents } = judge(attack(new Traffic(), true));
    assert.deepEqual(
      incidents.filter((i) => i.detectors.includes('lateral')),
      [],
    );
  });
});
