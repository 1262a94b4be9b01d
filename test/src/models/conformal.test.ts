import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { ConformalRank } from '../../../src/models/conformal.js';
import { fitGpd, gpdSurvival } from '../../../src/models/gpd.js';
import { seeded } from '../support/traffic.js';

describe('fitGpd', () => {
  it('finds the parameters of a Pareto tail again', () => {
    const random = seeded(1);
    for (const shape of [0.1, 0.3, 0.5]) {
      const excesses = Float64Array.from(
        { length: 20_000 },
        () => (2 / shape) * (Math.pow(random(), -shape) - 1),
      ).sort();
      const tail = fitGpd(excesses);
      assert.ok(Math.abs(tail.shape - shape) < 0.06, `shape ${shape}: ${tail.shape}`);
      assert.ok(Math.abs(tail.scale - 2) < 0.12, `scale: ${tail.scale}`);
    }
  });

  it('takes a bounded tail for an exponential one, and equal values for none', () => {
    const uniform = Float64Array.from({ length: 1000 }, (_, i) => i / 1000);
    assert.deepEqual(fitGpd(uniform), {
      shape: 0,
      scale: uniform.reduce((a, b) => a + b / 1000, 0),
    });
    assert.equal(gpdSurvival(fitGpd(new Float64Array(9)), 1), 0);
  });
});

describe('ConformalRank', () => {
  it('ranks as the list of the last scores does, ties among them, also after it is restored', () => {
    const random = seeded(9);
    let rank = new ConformalRank();
    let last: number[] = [];
    for (let i = 0; i < 9000; i++) {
      const score = Math.floor(50 * random()) / 10;
      rank.accept(score);
      last = [...last, score].slice(-4000);
      // References are sorted anew after each 50 scores.
      if (i % 50 !== 48 || i % 7 > 2) continue;
      const asked = Math.floor(60 * random()) / 10;
      const above = last.filter((other) => other >= asked).length;
      assert.equal(rank.rank(asked), (1 + above) / (last.length + 1), `${i} scores`);
      const out = new StateWriter();
      rank.save(out);
      rank = new ConformalRank();
      rank.restore(new StateReader(out.take()));
    }
  });

  it('is near nominal on noise, body and tail', () => {
    const random = seeded(2);
    const rank = new ConformalRank();
    const exponential = (): number => -Math.log(random());
    for (let i = 0; i < 4000; i++) rank.accept(exponential());
    const n = 60_000;
    let below2 = 0;
    let below3 = 0;
    for (let i = 0; i < n; i++) {
      const score = exponential();
      const p = rank.p(score);
      if (p <= 1e-2) below2++;
      if (p <= 1e-3) below3++;
      rank.accept(score);
    }
    assert.ok(below2 / n < 2e-2 && below2 / n > 5e-3, `1e-2: ${below2 / n}`);
    assert.ok(below3 / n < 1e-2 && below3 / n > 2e-4, `1e-3: ${below3 / n}`);
  });

  it('cannot be small with few references', () => {
    const rank = new ConformalRank();
    assert.equal(rank.p(99), 1);
    for (let i = 0; i < 20; i++) rank.accept(i);
    assert.ok(rank.p(1e9) >= 1 / 21);
  });

  it('does not think a count impossible that was nearly always 0', () => {
    const ranks = new ConformalRank();
    for (let i = 0; i < 3000; i++) ranks.accept(i % 100 === 0 ? 1 : 0);
    assert.ok(ranks.p(1) > 0.005);
    assert.ok(ranks.p(2) > 1e-4);
  });

  it('does not learn what it flags, but does not stop learning either', () => {
    const random = seeded(3);
    const rank = new ConformalRank();
    for (let i = 0; i < 4000; i++) rank.accept(random());
    for (let i = 0; i < 40; i++) rank.accept(50);
    assert.ok(rank.p(50) < 1e-3, 'forty outliers do not change the norm');
    for (let i = 0; i < 4000; i++) rank.accept(50 + random());
    assert.ok(rank.p(50.5) > 0.1, 'a new norm is learned');
  });
});
