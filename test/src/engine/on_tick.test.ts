import assert from 'node:assert/strict';
import { tickOf } from '../../../src/domain/tick.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import { feed, START_US, Traffic } from '../support/traffic.js';

const SCANNER = '10.0.0.9';

describe('ShardPipeline.onTick', () => {
  it('tells the wealth of all who were seen in a tick, and of its lanes', () => {
    const traffic = new Traffic().connect({ at: 1, from: '10.0.0.1', to: '10.0.0.2', port: 443 });
    for (let i = 0; i < 30; i++) {
      traffic.refused({ at: 6 + i / 100, from: SCANNER, to: `10.0.1.${i}`, port: 22 });
    }
    const seen = new Map<number, Map<string, number>>();
    const lanes: string[] = [];
    const pipeline = new ShardPipeline(
      {
        shard: 0,
        shards: 1,
        onTick: (tick, entities) => {
          seen.set(tick, new Map(entities.map((e) => [e.entity.address, e.lnWealth])));
          for (const { entity, lanes: ofEntity } of entities) {
            if (entity.address === SCANNER) lanes.push(ofEntity[0]!.lane);
          }
        },
      },
      { alarm: () => undefined },
    );
    feed(traffic, pipeline);

    const first = tickOf(START_US);
    assert.deepEqual([...seen.keys()], [first, first + 1]);
    assert.ok(seen.get(first)!.has('10.0.0.1'));
    assert.ok(!seen.get(first)!.has(SCANNER));
    assert.ok(seen.get(first + 1)!.get(SCANNER)! > 16);
    assert.ok(!seen.get(first + 1)!.has('10.0.0.1'));
    assert.deepEqual(lanes, ['scan_horizontal']);
  });
});
