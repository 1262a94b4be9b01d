import assert from 'node:assert/strict';
import { retimed } from '../../../bench/lab/data_set/retime.js';

const TIMES = [1_000_000, 1_000_100, 1_500_100, 1_500_200, 3_500_200];

describe('retimed', () => {
  it('moves the beginning and keeps all gaps at stretch 1', () => {
    const times = retimed(TIMES, { startUs: 5_000_000, stretch: 1, keepUs: 20_000 });
    assert.deepEqual(times, [5_000_000, 5_000_100, 5_500_100, 5_500_200, 7_500_200]);
  });

  it('stretches pauses and leaves the delays of machines', () => {
    const times = retimed(TIMES, { startUs: 0, stretch: 2, keepUs: 20_000 });
    assert.deepEqual(times, [0, 100, 980_100, 980_200, 4_960_200]);
  });

  it('never turns the order around', () => {
    const times = retimed([10, 5, 20], { startUs: 100, stretch: 0, keepUs: 0 });
    assert.deepEqual(times, [100, 100, 100]);
  });

  it('has nothing to do without packets', () => {
    assert.deepEqual(retimed([], { startUs: 1, stretch: 1, keepUs: 1 }), []);
  });
});
