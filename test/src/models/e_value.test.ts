import assert from 'node:assert/strict';
import {
  lnEOfP,
  logAddExp,
  P_FLOOR_ANALYTIC,
  P_FLOOR_FITTED,
} from '../../../src/models/e_value.js';
import { lnCountBet } from '../../../src/models/count_bet.js';
import { lnOutcomeRatio } from '../../../src/models/bernoulli.js';

describe('lnEOfP', () => {
  it('has mean 1 under a uniform p', () => {
    // Substituting p = e^-x spreads the mass near 0, which carries much of the mean.
    let mean = 0;
    const dx = 1e-3;
    for (let x = dx / 2; x < 2000; x += dx)
      mean += Math.exp(lnEOfP(Math.exp(-Math.min(x, 700))) - x) * dx * (x < 700 ? 1 : 0);
    // What lies below p = e^-700 is worth 1/700 of the mean.
    assert.ok(Math.abs(mean - (1 - 1 / 700)) < 1e-3, String(mean));
  });

  it('is worth what the floors say', () => {
    assert.ok(Math.abs(lnEOfP(P_FLOOR_FITTED) - 20.99) < 0.01);
    assert.ok(Math.abs(lnEOfP(P_FLOOR_ANALYTIC) - 34.0) < 0.05);
  });

  it('is continuous where the series takes over, and 1/2 at p = 1', () => {
    assert.equal(lnEOfP(1), Math.log(0.5));
    const near = Math.exp(-0.01);
    assert.ok(Math.abs(lnEOfP(near * 1.0000001) - lnEOfP(near * 0.9999999)) < 1e-6);
  });
});

describe('logAddExp', () => {
  it('adds without overflow, and nothing to nothing', () => {
    assert.equal(logAddExp(-Infinity, -Infinity), -Infinity);
    assert.equal(logAddExp(-Infinity, 3), 3);
    assert.equal(logAddExp(2000, 2000), 2000 + Math.LN2);
    assert.ok(Math.abs(logAddExp(0, Math.log(3)) - Math.log(4)) < 1e-12);
  });
});

describe('lnOutcomeRatio', () => {
  it('gives a failed first contact ln 4 nats and a success the opposite', () => {
    assert.ok(Math.abs(lnOutcomeRatio(false, 0.2, 0.8) - 1.386) < 1e-3);
    assert.ok(Math.abs(lnOutcomeRatio(true, 0.2, 0.8) + 1.386) < 1e-3);
  });

  it('has mean 1 when nothing is wrong', () => {
    for (const normal of [0.6, 0.8, 0.98]) {
      const won = Math.exp(lnOutcomeRatio(true, 0.2, normal)) * normal;
      const lost = Math.exp(lnOutcomeRatio(false, 0.2, normal)) * (1 - normal);
      assert.ok(Math.abs(won + lost - 1) < 1e-12);
    }
  });
});

describe('lnCountBet', () => {
  it('has mean 1 for counts as bursty as it assumes', () => {
    for (const mean of [1, 5, 50]) {
      // Negative binomial with size 1/2: P(k+1) / P(k) = (k + 1/2) / (k + 1) * q.
      const q = mean / (mean + 0.5);
      let lnP = 0.5 * Math.log(1 - q);
      let expectation = 0;
      for (let k = 0; k < 40_000; k++) {
        expectation += Math.exp(lnP + lnCountBet(k, mean));
        lnP += Math.log(((k + 0.5) / (k + 1)) * q);
      }
      assert.ok(Math.abs(expectation - 1) < 1e-6, `${mean}: ${expectation}`);
    }
  });
});
