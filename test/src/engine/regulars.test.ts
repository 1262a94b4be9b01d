import assert from 'node:assert/strict';
import { createDetectors } from '../../../src/detectors/index.js';
import { ShardPipeline } from '../../../src/engine/shard_pipeline.js';
import { WEALTH_SLOT } from '../../../src/engine/shard_memory.js';
import { feed, keyOf, Traffic } from '../support/traffic.js';

const HOST = '10.0.0.7';
const OUTSIDE = '203.0.113.5';
const OF_HABITS = ['beacon', 'exfiltration', 'novelty', 'profile'];

/** The detectors of habits that keep something of the host. */
function rememberedBy(traffic: Traffic): string[] {
  const pipeline = new ShardPipeline({ shard: 0, shards: 1 }, { alarm: () => undefined });
  feed(traffic, pipeline);
  const { slots } = pipeline.find(keyOf(HOST))!;
  const names = createDetectors(WEALTH_SLOT + 1).map(({ name }) => name);
  return names.filter((name, i) => OF_HABITS.includes(name) && slots[WEALTH_SLOT + 1 + i] !== null);
}

describe('habits', () => {
  it('are not kept of a host that was seen in one short flow', () => {
    const once = new Traffic().connect({ at: 1, from: HOST, to: OUTSIDE, port: 443 });
    assert.deepEqual(rememberedBy(once), []);
  });

  it('are kept from its second flow on', () => {
    const twice = new Traffic();
    for (const at of [1, 90]) twice.connect({ at, from: HOST, to: OUTSIDE, port: 443 });
    assert.deepEqual(rememberedBy(twice).sort(), OF_HABITS);
  });
});
