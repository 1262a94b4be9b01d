import assert from 'node:assert/strict';
import { createDetectors } from '../../../src/detectors/index.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import { ThymusError } from '../../../src/errors.js';
import { differences, inTwo, lastStates } from '../support/cut_run.js';
import { mixedTraffic } from '../support/mixed_traffic.js';
import { judge, seeded, Traffic } from '../support/traffic.js';

/** Detectors that start anew with each run. Shorter is better; a new name needs a reason. */
const WITHOUT_MEMORY: readonly string[] = [];

describe('learned state', () => {
  const whole = judge(mixedTraffic());

  // Before anything, in the scans, between them, in the night, in the flood.
  for (const cut of [100, 305, 310, 430, 500, 20_000, 40_501, 40_502.5]) {
    it(`lets a run that is cut at ${cut} s go on as if it were whole`, () => {
      const seconds = Math.ceil(cut / 5) * 5;
      const runs = inTwo(mixedTraffic(), seconds);
      assert.deepEqual(lastStates(runs), whole.incidents);
      assert.equal(runs[1].pipelines[0]!.stats.entities, whole.pipelines[0]!.stats.entities);
      assert.deepEqual(differences(runs[1].learned, whole.learned), []);
    });
  }

  it('is the same for 1, 2 and 4 shards, and passes between them', () => {
    for (const shards of [2, 4]) {
      const parts = judge(mixedTraffic(), { shards });
      // What detectors share is a part a shard.
      const names = differences(parts.learned, whole.learned);
      assert.deepEqual(
        names.filter((name) => !name.startsWith('shared/')),
        [],
      );
    }
    assert.deepEqual(
      lastStates(inTwo(mixedTraffic(), 500, [{ shards: 1 }, { shards: 3 }])),
      whole.incidents,
    );
    assert.deepEqual(
      lastStates(inTwo(mixedTraffic(), 500, [{ shards: 4 }, { shards: 2 }])),
      whole.incidents,
    );
  });

  it('holds nothing of the entity that an object was before, whichever that was', () => {
    const few = { provenMost: 64, probationMost: 64, falseIncidentsPerDayPer1000: 1000 };
    const names = new Traffic();
    const random = seeded(5);
    for (let i = 0; i < 3000; i++) {
      const host = `10.0.0.${1 + Math.floor(200 * random())}`;
      const flow = { at: i / 2, from: host, to: `203.0.113.${i % 9}`, port: 443 };
      names.connect(flow, { up: 1e5 * random(), lasts: 1 });
      names.resolve({ at: i / 2, from: host }, `${random().toString(36).slice(2)}.example.org`);
    }
    const alone = judge(names, few);
    assert.ok(alone.pipelines[0]!.stats.provenEvictions > 1000);
    for (const shards of [2, 4]) {
      const parts = judge(names, { ...few, shards });
      assert.deepEqual(parts.alarms, alone.alarms);
      const differing = differences(parts.learned, alone.learned);
      assert.deepEqual(
        differing.filter((name) => !name.startsWith('shared/')),
        [],
      );
    }
  });

  it('gives a capture that is older than it what is usual, and no wealth', () => {
    const usual = new Traffic();
    for (let day = 0; day < 3; day++) {
      for (let host = 10; host < 60; host++) {
        const at = 10 * 86_400 + day * 86_400 + host;
        usual.connect({ at, from: `10.0.0.${host}`, to: '198.51.100.9', port: 443 });
      }
    }
    const { learned } = judge(usual);
    const early = judge(mixedTraffic(), { model: learned });
    assert.deepEqual(
      early.incidents.map(({ entity }) => entity.address).sort(),
      whole.incidents.map(({ entity }) => entity.address).sort(),
    );
    assert.equal(early.pipelines[0]!.population.edges.surprises.size > 0, true);
    const scan = judge(mixedTraffic(), { model: whole.learned, between: [0, 290] });
    assert.deepEqual(scan.incidents, []);
  });

  it('is refused when a piece of it is cut, whatever piece', () => {
    for (const [name, bytes] of whole.learned.sections) {
      if (bytes.length < 2 || name === 'incidents') continue;
      const sections = new Map(whole.learned.sections).set(name, bytes.slice(0, bytes.length - 1));
      const pipeline = new ShardPipeline({ shard: 0, shards: 1 }, { alarm: () => undefined });
      assert.throws(
        () => pipeline.restore({ ...whole.learned, sections }, 0),
        (error) => error instanceof ThymusError && error.code === 'MODEL_INVALID',
        name,
      );
    }
  });

  it('leaves out what a detector that is no more, or another version of it, has written', () => {
    const { sections } = whole.learned;
    const slots = Buffer.from(sections.get('slots')!).toString('latin1');
    const renamed = Buffer.from(slots.replace('"name":"scan"', '"name":"nacs"'), 'latin1');
    const changed = new Map(sections).set('slots', renamed);
    const pipeline = new ShardPipeline({ shard: 0, shards: 1 }, { alarm: () => undefined });
    pipeline.restore({ ...whole.learned, sections: changed }, 0);
    assert.equal(pipeline.stats.entities, whole.pipelines[0]!.stats.entities);
  });

  it('holds what every detector knows, but for those named here', () => {
    const without = createDetectors(1).filter((one) => one.memoryVersion === undefined);
    assert.deepEqual(
      without.map((one) => one.name),
      WITHOUT_MEMORY,
    );
  });
});
