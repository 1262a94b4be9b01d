import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { ThymusError } from '../../../src/errors.js';
import { RandomCutForest } from '../../../src/models/random_cut_forest.js';
import { seeded } from '../support/traffic.js';

const OPTIONS = { trees: 50, points: 256, dims: 12, keptLeast: 0.02 };

describe('RandomCutForest', () => {
  const random = seeded(9);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  /** A point whose odd dimensions follow the even ones. */
  const usual = (): Float32Array => {
    const point = Float32Array.from({ length: OPTIONS.dims }, normal);
    for (let i = 1; i < OPTIONS.dims; i += 2) point[i] = point[i - 1]! + 0.1 * normal();
    return point;
  };
  const forest = new RandomCutForest(OPTIONS);
  for (let i = 0; i < 2000; i++) forest.insert(usual());
  const scores = Array.from({ length: 300 }, (_, i) => forest.score(usual(), i * 1000));
  scores.sort((a, b) => a - b);
  const p95 = scores[Math.floor(0.95 * scores.length)]!;

  it('puts a point far out above all usual ones', () => {
    const odd = usual();
    odd[4] = 8;
    assert.ok(forest.score(odd, 1) > scores.at(-1)!);
  });

  it('puts a point that is odd only jointly above most', () => {
    const above = Array.from({ length: 100 }, (_, i) => {
      const odd = usual();
      for (let j = 1; j < OPTIONS.dims; j += 2) odd[j] = -odd[j - 1]! * 1.5;
      return forest.score(odd, i) > p95 ? 1 : 0;
    });
    assert.ok(above.reduce<number>((a, b) => a + b, 0) > 25);
  });

  it('is the same for the same points and seeds, and takes equal points', () => {
    const twins = [0, 1].map(() => {
      const twin = new RandomCutForest({ ...OPTIONS, trees: 5 });
      const points = seeded(3);
      for (let i = 0; i < 600; i++) {
        twin.insert(Float32Array.from({ length: OPTIONS.dims }, () => Math.floor(2 * points())));
      }
      return twin.score(new Float32Array(OPTIONS.dims).fill(1), 7);
    });
    assert.equal(twins[0], twins[1]);
    assert.ok(Number.isFinite(twins[0]));
  });

  const saved = (of: RandomCutForest): Uint8Array => {
    const out = new StateWriter();
    of.save(out);
    return out.take();
  };
  const restored = (bytes: Uint8Array, options = OPTIONS): RandomCutForest => {
    const fresh = new RandomCutForest(options);
    fresh.restore(new StateReader(bytes));
    return fresh;
  };

  it('goes on from what was saved as if it had never been, however many points it has', () => {
    for (const points of [0, 1, 2, 16, 17, 100, 256, 900]) {
      const one = new RandomCutForest({ ...OPTIONS, trees: 3 });
      for (let i = 0; i < points; i++) one.insert(usual());
      const other = restored(saved(one), { ...OPTIONS, trees: 3 });
      for (let i = 0; i < 300; i++) {
        const point = usual();
        assert.equal(other.score(point, i), one.score(point, i));
        one.insert(point);
        other.insert(point);
      }
      assert.deepEqual(saved(other), saved(one));
    }
  });

  it('refuses what is cut off, and stays whole whatever byte was changed', () => {
    const options = { trees: 1, points: 16, dims: 2, keptLeast: 0.5 };
    const small = new RandomCutForest(options);
    for (let i = 0; i < 20; i++) small.insert(Float32Array.of(i % 5, i % 3));
    const bytes = saved(small);
    const isInvalid = (error: unknown): boolean =>
      error instanceof ThymusError && error.code === 'MODEL_INVALID';
    for (let at = 0; at < bytes.length; at++) {
      assert.throws(() => restored(bytes.slice(0, at), options), isInvalid);
      for (const value of [0, 1, 2, 7, 127, 254, 255]) {
        const changed = bytes.slice();
        changed[at] = value;
        let other: RandomCutForest;
        try {
          other = restored(changed, options);
        } catch (error) {
          assert.ok(isInvalid(error), String(error));
          continue;
        }
        for (let i = 0; i < 40; i++) other.insert(Float32Array.of(i % 7, i % 4));
        other.score(Float32Array.of(3, 3), 1);
      }
    }
  });

  it('says 0 without points, and 1 beside one', () => {
    const empty = new RandomCutForest(OPTIONS);
    assert.equal(empty.score(usual(), 1), 0);
    empty.insert(usual());
    assert.equal(empty.score(usual(), 1), 1);
  });
});
