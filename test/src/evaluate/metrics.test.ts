import assert from 'node:assert/strict';
import {
  areaOf,
  bootstrap,
  equalErrorOf,
  hitsAt,
  poissonUpper95,
  quantileOf,
  rocOf,
  type Judged,
} from '../../../bench/evaluate/metrics.js';
import { seeded } from '../../../bench/baselines/random.js';

const judged = (attacks: readonly number[], others: readonly number[]): Judged[] => [
  ...attacks.map((score) => ({ score, isAttack: true })),
  ...others.map((score) => ({ score, isAttack: false })),
];

const close = (a: number, b: number, within = 1e-9): void =>
  assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

describe('metrics', () => {
  it('rocOf and areaOf count pairs in the right order, ties half', () => {
    const attacks = [5, 3, 3, 1];
    const others = [4, 3, 0, 0, 0];
    let pairs = 0;
    for (const a of attacks) for (const b of others) pairs += a > b ? 1 : a === b ? 0.5 : 0;
    close(areaOf(rocOf(judged(attacks, others))), pairs / 20);
  });

  it('are NaN without attacks or without anything else', () => {
    for (const units of [judged([1], []), judged([], [1])]) {
      const roc = rocOf(units);
      assert.ok([areaOf(roc), hitsAt(roc, 0.1), equalErrorOf(roc)].every(Number.isNaN));
    }
  });

  it('hitsAt never pays for hits with more false alarms than allowed', () => {
    const roc = rocOf(judged([9, 8, 5], [7, ...new Array<number>(99).fill(1)]));
    close(hitsAt(roc, 0), 2 / 3);
    close(hitsAt(roc, 0.009), 2 / 3);
    close(hitsAt(roc, 0.01), 1);
    // A score that attacks and others share cannot be split.
    close(hitsAt(rocOf(judged([1, 1], [1, 0])), 0.4), 0);
  });

  it('equalErrorOf finds where both errors are the same', () => {
    close(equalErrorOf(rocOf(judged([3, 4], [1, 2]))), 0);
    close(equalErrorOf(rocOf(judged([1, 2], [3, 4]))), 1);
    close(equalErrorOf(rocOf(judged([1, 3], [2, 0]))), 0.5);
    close(equalErrorOf(rocOf(judged([1, 1], [1, 1]))), 0.5);
  });

  it('poissonUpper95 is the bound of tables', () => {
    close(poissonUpper95(0), -Math.log(0.05), 1e-6);
    close(poissonUpper95(1), 4.7439, 1e-3);
    close(poissonUpper95(10), 16.962, 1e-2);
  });

  it('quantileOf lies between neighbours', () => {
    close(quantileOf([4, 1, 2, 3], 0.5), 2.5);
    close(quantileOf([1], 0.95), 1);
    assert.ok(Number.isNaN(quantileOf([], 0.5)));
  });

  it('bootstrap covers the mean of what it draws from', () => {
    const random = seeded(1);
    const values = Array.from({ length: 60 }, () => random());
    const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
    const [low, high] = bootstrap(values, mean, seeded(2));
    assert.ok(low < mean(values) && mean(values) < high);
    assert.ok(high - low > 0.1 && high - low < 0.25);
  });
});
