import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { TICK_US } from '../../../src/domain/tick.js';
import { ThymusError } from '../../../src/errors.js';
import { JOINT_FEATURES } from '../../../src/models/novelty_features.js';
import { Population } from '../../../src/models/population.js';
import { SCORE_POOLS } from '../../../src/models/score_pools.js';
import { countAt } from '../../../src/models/volume_ladder.js';
import { seeded } from '../support/traffic.js';

const FIRST_TICK = 350_000_000;
const WEEK_TICKS = (7 * 86_400e6) / TICK_US;

/** Ticks in which 20 devices do a bit of everything. */
function teach(population: Population, from: number, until: number): void {
  for (let tick = FIRST_TICK + from; tick < FIRST_TICK + until; tick++) {
    const random = seeded(tick);
    for (let device = 1; device <= 20; device++) {
      const surprise = random() < 0.9 ? 12 * random() : null;
      const sight = { edge: Math.ceil(40 * random()), port: Math.ceil(9 * random()), surprise };
      population.contributeContact(1 + (device % 4), random() < 0.7, random() < 0.2);
      population.contributeSight(device, sight);
      population.contributePrint(device, { ...sight, edge: sight.edge + 50 });
      for (let i = 0; i < 4; i++) {
        population.contributeScore(device, Math.floor(SCORE_POOLS.length * random()), random());
      }
      population.contributeLadder(countAt(device % 2, device % 4, device % 10));
      if (random() < 0.3) {
        population.contributePoint(device, Float32Array.from(JOINT_FEATURES, random));
      }
    }
    population.seal(tick);
    population.reach(tick + 1);
  }
}

function saved(population: Population): Uint8Array {
  const out = new StateWriter();
  population.save(out);
  return out.take();
}

function restored(bytes: Uint8Array, shiftUs = 0): Population {
  const population = new Population();
  population.restore(new StateReader(bytes, shiftUs));
  return population;
}

describe('Population', () => {
  const whole = new Population();
  teach(whole, 0, 400);

  it('goes on from what was saved as if it had never been, however much there is', () => {
    for (const cut of [0, 1, 20, 77, 399]) {
      const before = new Population();
      teach(before, 0, cut);
      const after = restored(saved(before));
      assert.equal(after.edges.devicesMost, before.edges.devicesMost);
      teach(after, cut, 400);
      assert.deepEqual(saved(after), saved(whole), `cut after ${cut} ticks`);
    }
  });

  it('forgets in an earlier capture as fast as in a later one', () => {
    const shiftUs = -3 * WEEK_TICKS * TICK_US;
    const early = restored(saved(whole), shiftUs);
    assert.equal(early.ladders.climb(0, 1, 1), whole.ladders.climb(0, 1, 1));
    const lesson = (population: Population, tick: number): number => {
      population.contributeLadder(countAt(0, 0, 0));
      population.seal(tick);
      population.reach(tick + 1);
      return population.ladders.references(0, 1, 1);
    };
    const later = FIRST_TICK + 400 + WEEK_TICKS;
    assert.equal(lesson(early, later - 3 * WEEK_TICKS), lesson(restored(saved(whole)), later));
  });

  it('leaves out scores that nobody asks for any more, and refuses what is cut off', () => {
    const bytes = saved(whole);
    const text = Buffer.from(bytes).toString('latin1');
    const renamed = Buffer.from(text.replace('old_flow', 'new_flow'), 'latin1');
    const pool = SCORE_POOLS.indexOf('old_flow');
    const other = SCORE_POOLS.indexOf('forest');
    assert.deepEqual(
      [pool, other].map((at) => restored(renamed).scores.size(at)),
      [0, whole.scores.size(other)],
    );
    for (let n = 0; n < bytes.length; n += Math.ceil(bytes.length / 19)) {
      assert.throws(
        () => restored(bytes.slice(0, n)),
        (error) => error instanceof ThymusError && error.code === 'MODEL_INVALID',
      );
    }
  });
});
