import assert from 'node:assert/strict';
import { compareAlarms, type Alarm } from '../../../src/domain/incident.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import { benignWorld } from '../support/benign_world.js';
import { mixedTraffic } from '../support/mixed_traffic.js';
import { feed, judge, Traffic } from '../support/traffic.js';

describe('ShardPipeline', () => {
  const reference = judge(mixedTraffic());

  it('finds what is in the mixed traffic', () => {
    const lanes = reference.incidents.map((i) => `${i.entity.address} ${i.detectors[0]}`).sort();
    assert.deepEqual(lanes, [
      '10.0.0.20 syn_flood',
      '10.0.0.7 scan_horizontal',
      '203.0.113.250 scan_horizontal',
    ]);
  });

  for (const shards of [2, 3]) {
    it(`gives the same alarms and incidents with ${shards} shards`, () => {
      const result = judge(mixedTraffic(), { shards });
      assert.deepEqual(result.alarms, reference.alarms);
      assert.deepEqual(result.incidents, reference.incidents);
    });
  }

  it('gives the same however its records are cut into batches', () => {
    for (const batchSize of [1, 7, 1e6]) {
      assert.deepEqual(judge(mixedTraffic(), { batchSize }).alarms, reference.alarms);
    }
  });

  it('gives the same with any number of shards where lanes rank devices against each other', () => {
    const lenient = { falseIncidentsPerDayPer1000: 1e6 };
    const alone = judge(benignWorld(7, 1), lenient).alarms;
    assert.ok(alone.length > 10);
    assert.ok(new Set(alone.flatMap(({ lanes }) => lanes.map(({ lane }) => lane))).size >= 5);
    assert.deepEqual(judge(benignWorld(7, 1), { ...lenient, shards: 3 }).alarms, alone);
  });

  it('knows words for what a host did, be it before any window of a worm was bet on', () => {
    const { alarms } = judge(mixedTraffic(), { falseIncidentsPerDayPer1000: 1e6 });
    const worms = alarms.filter(({ lanes }) => lanes[0]!.lane === 'worm');
    assert.ok(worms.length > 0);
    assert.ok(worms.every(({ headline }) => headline !== ''));
  });

  it('gives objects of one shape, whatever detector made them', () => {
    const shapes = (objects: readonly object[]): Set<string> =>
      new Set(objects.map((object) => Object.keys(object).join()));
    const evidence = reference.alarms.flatMap((alarm) => alarm.evidence);
    assert.ok(new Set(evidence.map((piece) => piece.lane)).size >= 2);
    assert.equal(shapes(reference.alarms).size, 1);
    assert.equal(shapes(evidence).size, 1);
    assert.equal(shapes(evidence.flatMap((piece) => piece.features)).size, 1);
    assert.equal(shapes(reference.incidents).size, 1);
  });

  it('gives the same after a reset', () => {
    const alarms: Alarm[] = [];
    const pipeline = new ShardPipeline(
      { shard: 0, shards: 1 },
      { alarm: (one) => alarms.push(one) },
    );
    for (let run = 0; run < 2; run++) {
      alarms.length = 0;
      pipeline.reset();
      assert.equal(pipeline.stats.entities, 0);
      feed(mixedTraffic(), pipeline);
      assert.deepEqual(alarms.sort(compareAlarms), reference.alarms);
    }
  });

  it('keeps its tables bounded under made-up sources, and counts what it forgot', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 5000; i++) {
      const from = `203.0.${i >> 8}.${i & 255}`;
      traffic.unanswered({ at: i * 0.001, from, to: '10.0.0.20', port: 80 });
    }
    const { pipelines, incidents } = judge(traffic, { probationMost: 100 });
    const { stats } = pipelines[0]!;
    assert.ok(stats.probationEvictions > 4800);
    assert.equal(stats.provenEvictions, 0);
    assert.deepEqual(incidents, []);
  });

  it('lets the budget move the threshold', () => {
    const traffic = (): Traffic => {
      const few = new Traffic();
      for (let i = 1; i <= 13; i++) {
        few.refused({ at: i * 0.01, from: '10.0.0.7', to: `10.0.1.${i}`, port: 445 });
      }
      return few;
    };
    assert.equal(judge(traffic()).incidents.length, 0);
    assert.equal(judge(traffic(), { falseIncidentsPerDayPer1000: 1000 }).incidents.length, 1);
  });
});
