import assert from 'node:assert/strict';
import { lnCountBet } from '../../../src/models/count_bet.js';

/** The mean of e^lnE over counts that are negative binomial with size 1/2. */
function meanBet(mean: number): number {
  const ratio = mean / (mean + 0.5);
  let lnProbability = 0.5 * Math.log(1 - ratio);
  let sum = 0;
  for (let count = 0; count < 600 * mean; count++) {
    sum += Math.exp(lnProbability + lnCountBet(count, mean));
    lnProbability += Math.log((ratio * (count + 0.5)) / (count + 1));
  }
  return sum;
}

describe('lnCountBet', () => {
  for (const mean of [1, 5, 50]) {
    it(`has mean 1 while counts are as bursty as it takes them to be, mean ${mean}`, () => {
      const bet = meanBet(mean);
      assert.ok(bet <= 1 + 1e-9 && bet > 0.999, `${bet}`);
    });
  }

  it('loses below the mean, breaks even at twice of it, and wins far above', () => {
    assert.ok(lnCountBet(0, 40) > -0.7);
    assert.ok(Math.abs(lnCountBet(80, 40)) < 0.05);
    assert.ok(lnCountBet(800, 40) > 7);
  });
});
