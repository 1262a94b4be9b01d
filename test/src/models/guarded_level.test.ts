import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { ANCHOR_DAYS, GuardedLevel } from '../../../src/models/guarded_level.js';
import { LEARNING_DELAY_US, Quarantine } from '../../../src/models/quarantine.js';
import { UploadHabit } from '../../../src/models/upload_habit.js';
import { seeded } from '../support/traffic.js';

const LESSON_US = 300e6;
const LESSONS_PER_DAY = 288;
/** Nats of drift from which on an entity is told of. */
const THRESHOLD = 12;

/** Standard normal numbers by Box and Muller. */
function normal(seed: number): () => number {
  const random = seeded(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

interface World {
  readonly seed: number;
  /** By how much the volume grows in a day from the 15th on, ln. */
  readonly growth: number;
  readonly days: number;
}

/** ln of what a device sends in five minutes: it differs from tick to tick and from day to day. */
function* volumes({ seed, growth, days }: World): Generator<{ ln: number; atUs: number }> {
  const noise = normal(seed);
  for (let day = 0; day < days; day++) {
    const ofDay = 0.1 * noise() + growth * Math.max(0, day - 14);
    for (let i = 0; i < LESSONS_PER_DAY; i++) {
      const atUs = (day * LESSONS_PER_DAY + i) * LESSON_US;
      yield { ln: 10 + 0.8 * noise() + ofDay, atUs };
    }
  }
}

/** The day after the 15th on which the drift is told, and how far the volume had come; else null. */
function told(world: World): { day: number; multiple: number } | null {
  const level = new GuardedLevel(16);
  let nats = 0;
  for (const { ln, atUs } of volumes(world)) {
    const verdict = level.learn(Math.exp(ln), atUs, { isClean: true });
    if (verdict === null) continue;
    nats = Math.max(0, nats + verdict.lnE);
    const day = Math.floor(atUs / 86_400e6) - 15;
    if (nats >= THRESHOLD) return { day, multiple: Math.exp(world.growth * day) };
  }
  return null;
}

/** An unguarded model: a running mean of a day, alarmed by four deviations. */
function plainTold(world: World): boolean {
  let mean = 10;
  let variance = 0.64;
  for (const { ln, atUs } of volumes(world)) {
    const z = (ln - mean) / Math.sqrt(variance);
    if (atUs > 15 * 86_400e6 && z > 4) return true;
    mean += (ln - mean) / LESSONS_PER_DAY;
    variance += ((ln - mean) ** 2 - variance) / LESSONS_PER_DAY;
  }
  return false;
}

const seeds = (n: number): number[] => Array.from({ length: n }, (_, i) => 100 + i);
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

describe('GuardedLevel: boiling the frog', () => {
  // Growth a day in ln; by when and before which multiple half of the seeds have to be told.
  const cases = [
    [0.02, 21, 1.5],
    [0.05, 11, 1.7],
    [0.1, 7, 2],
    [0.2, 5, 2.8],
  ] as const;
  for (const [growth, day, multiple] of cases) {
    it(`tells 12 of 12 that grow by ${growth} a day, in ${day} days and below ${multiple} times`, () => {
      const found = seeds(12).map((seed) => told({ seed, growth, days: 45 }));
      assert.ok(found.every((one) => one !== null));
      assert.ok(median(found.map((one) => one.day)) <= day);
      assert.ok(median(found.map((one) => one.multiple)) <= multiple);
    });
  }

  it('lets nobody come beyond three times in 90 days untold, however slow or fast', () => {
    const paces = [0.003, 0.006, 0.009, 0.012, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2];
    for (const growth of paces) {
      const untold = seeds(6).map((seed) => {
        const found = told({ seed, growth, days: 105 });
        return found?.multiple ?? Math.exp(growth * 90);
      });
      assert.ok(Math.max(...untold) <= 3, `${growth} a day: ${Math.max(...untold)} times`);
    }
  });

  it('tells nobody who does not drift, 40 devices over 90 days', () => {
    const found = seeds(40).filter((seed) => told({ seed, growth: 0, days: 105 }) !== null);
    assert.deepEqual(found, []);
  });

  it('is needed: a plain running mean misses most, and alarms as often for nothing', () => {
    const grown = seeds(12).filter((seed) => plainTold({ seed, growth: 0.1, days: 45 }));
    const still = seeds(12).filter((seed) => plainTold({ seed, growth: 0, days: 45 }));
    assert.ok(grown.length < 12);
    assert.ok(grown.length - still.length <= 6);
  });
});

describe('GuardedLevel', () => {
  const taught = (days: number, growth = 0): GuardedLevel => {
    const level = new GuardedLevel(16);
    for (const { ln, atUs } of volumes({ seed: 3, growth, days })) {
      level.learn(Math.exp(ln), atUs, { isClean: true });
    }
    return level;
  };

  it('follows a cap of 0.01 a day, unless half of the peers move', () => {
    const before = taught(30).level;
    const after = taught(60, 0.2).level;
    assert.ok(Math.abs(Math.log(before) - 10) < 0.1);
    // 45 days of at most 0.01 each.
    assert.ok(Math.log(after / before) < 0.47);
    const along = new GuardedLevel(16);
    for (const { ln, atUs } of volumes({ seed: 3, growth: 0.2, days: 60 })) {
      along.learn(Math.exp(ln), atUs, { isClean: true, peersMoved: 0.2 });
    }
    assert.ok(Math.log(along.level) > 10 + 0.2 * 40);
  });

  it('learns nothing of who is suspicious, nor of the half hour before', () => {
    const level = taught(ANCHOR_DAYS + 2);
    const { level: usual, days } = level;
    const from = (ANCHOR_DAYS + 2) * 86_400e6;
    for (let i = 0; i < 3 * LESSONS_PER_DAY; i++) {
      // Five lessons of half an hour that look clean, then one that does not.
      level.learn(1e9, from + i * LESSON_US, { isClean: i % 6 !== 5 });
    }
    assert.ok(level.days <= days + 1);
    assert.ok(Math.abs(Math.log(level.level / usual)) <= 0.011);
  });

  it('is not moved by few lessons, however large', () => {
    const level = new GuardedLevel(16);
    const usual = taught(20).level;
    let i = 0;
    for (const { ln, atUs } of volumes({ seed: 3, growth: 0, days: 20 })) {
      level.learn(i++ % 50 === 0 ? 1e12 : Math.exp(ln), atUs, { isClean: true });
    }
    assert.ok(Math.abs(Math.log(level.level / usual)) < 0.05);
  });

  it('tells who is changing from who has changed, and takes an operator at his word', () => {
    const level = taught(45, 0.1);
    const [fast, middle, slow] = level.speeds;
    assert.ok(fast > middle && middle > slow);
    level.approve();
    assert.equal(level.level, fast);
  });

  it('goes on after it was saved as if it had not been', () => {
    const level = new GuardedLevel(16);
    let copy = new GuardedLevel(16);
    let i = 0;
    for (const { ln, atUs } of volumes({ seed: 9, growth: 0.05, days: 40 })) {
      const a = level.learn(Math.exp(ln), atUs, { isClean: true });
      const b = copy.learn(Math.exp(ln), atUs, { isClean: true });
      assert.deepEqual(a, b);
      if (++i % 1111 !== 0) continue;
      const out = new StateWriter();
      copy.save(out);
      copy = new GuardedLevel(16);
      copy.restore(new StateReader(out.take()));
    }
    assert.equal(copy.level, level.level);
  });
});

describe('UploadHabit', () => {
  /** A device that sends some ten times in each five minutes. */
  function taught(growth: number, isClean = (_day: number): boolean => true): UploadHabit {
    const habit = new UploadHabit();
    for (const { ln, atUs } of volumes({ seed: 5, growth, days: 40 })) {
      for (let i = 0; i < 10; i++) {
        habit.add(Math.exp(ln) / 10, atUs + i * 1e6, isClean(atUs / 86_400e6));
      }
    }
    return habit;
  }

  it('learns five minutes, and tells who sends more and more', () => {
    const steady = taught(0);
    assert.ok(Math.abs(Math.log(steady.usualBytes) - 10) < 0.1);
    assert.ok(steady.driftNats < THRESHOLD);
    const grown = taught(0.05);
    assert.ok(grown.driftNats >= THRESHOLD);
    assert.ok(grown.lastDayBytes > 2 * grown.usualBytes);
  });

  it('learns nothing of days in an incident', () => {
    const { days } = taught(0, (day) => day < 20 || day >= 25);
    assert.ok(days >= 33 && days <= 35);
  });

  it('goes on after it was saved', () => {
    const habit = taught(0.05);
    const out = new StateWriter();
    habit.save(out);
    const copy = new UploadHabit();
    copy.restore(new StateReader(out.take()));
    assert.deepEqual([copy.usualBytes, copy.driftNats], [habit.usualBytes, habit.driftNats]);
  });
});

describe('Quarantine', () => {
  it('gives lessons after half an hour, in their order, and none of whom it has discarded', () => {
    const quarantine = new Quarantine(8);
    const learned: number[] = [];
    const learn = (value: number): void => void learned.push(value);
    for (let i = 0; i < 5; i++) quarantine.add(i, i * LESSON_US);
    quarantine.release(LEARNING_DELAY_US + 2 * LESSON_US, learn);
    assert.deepEqual(learned, [0, 1, 2]);
    quarantine.discard();
    quarantine.release(Infinity, learn);
    assert.deepEqual([learned.length, quarantine.discards], [3, 2]);
  });

  it('holds no more than it may, and counts the rest', () => {
    const quarantine = new Quarantine(4);
    for (let i = 0; i < 10; i++) quarantine.add(i, i);
    assert.deepEqual([quarantine.size, quarantine.refusals], [4, 6]);
  });
});
