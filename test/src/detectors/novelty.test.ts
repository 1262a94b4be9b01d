import assert from 'node:assert/strict';
import { benignWorld } from '../support/benign_world.js';
import { assertGoesOn } from '../support/cut_run.js';
import { betsOn } from '../support/traffic.js';

const HOURS = 3;
const CULPRIT = '10.0.0.12';

describe('novel behaviour', () => {
  const traffic = benignWorld(5, HOURS);
  // For half an hour it works through hosts that are all there: no contact fails.
  for (let at = 7200; at < 9000; at += 2) {
    const to = `10.0.0.${60 + (Math.floor(at / 2) % 25)}`;
    traffic.connect({ at, from: CULPRIT, to, port: 445 }, { up: 40_000, down: 900_000, lasts: 1 });
  }
  const bets = betsOn(traffic).filter(({ lane }) => lane === 'novelty');

  it('is seen minute by minute, above every other device', () => {
    const sums = new Map<string, number>();
    for (const { address, lnE } of bets) {
      if (lnE > 0) sums.set(address, (sums.get(address) ?? 0) + lnE);
    }
    const [first, second] = [...sums].sort((a, b) => b[1] - a[1]);
    assert.equal(first![0], CULPRIT);
    assert.ok(first![1] > 1.5 * second![1], `${first![1]} and ${second![1]}`);
  });

  it('is remembered by the next run, in the middle of a minute', () => {
    assertGoesOn(benignWorld(6, 1), [1805]);
  });

  it('bets 4 nats on a minute at most', () => {
    assert.ok(Math.max(...bets.map(({ lnE }) => lnE)) <= 4.1);
  });
});
