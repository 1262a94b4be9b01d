import assert from 'node:assert/strict';
import { regularity } from '../../../src/models/regularity.js';
import { seeded } from '../support/traffic.js';

/** The score of contacts whose gaps are drawn by `gap`, seconds. */
function scoreOf(n: number, gap: () => number, size: () => number = () => 300): number {
  const times = new Float64Array(n);
  for (let i = 1; i < n; i++) times[i] = times[i - 1]! + gap() * 1e6;
  return regularity(times, Float64Array.from({ length: n }, size), n);
}

describe('regularity', () => {
  const random = seeded(11);
  const exponential = (): number => -60 * Math.log(1 - random());
  const jittered = (jitter: number) => () => 60 * (1 + jitter * (2 * random() - 1));

  for (const n of [8, 12, 24, 48]) {
    it(`puts jitter of 20 % above all of 200 edges of random times, ${n} contacts`, () => {
      const bar = Math.max(...Array.from({ length: 200 }, () => scoreOf(n, exponential)));
      assert.ok(scoreOf(n, jittered(0.2)) > bar);
    });
  }

  it('falls as jitter rises', () => {
    const scores = [0, 0.1, 0.3, 0.6].map((jitter) => scoreOf(48, jittered(jitter)));
    assert.deepEqual(
      scores,
      [...scores].sort((a, b) => b - a),
    );
  });

  it('is higher for equal sizes, and finite for equal gaps', () => {
    const mixed = scoreOf(24, exponential, () => 100 + 900 * random());
    assert.ok(scoreOf(24, exponential) > mixed);
    assert.ok(Number.isFinite(scoreOf(3, () => 1)));
  });
});
