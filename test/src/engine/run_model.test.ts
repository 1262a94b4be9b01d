import assert from 'node:assert/strict';
import { setInterval } from 'node:timers';
import { join } from 'node:path';
import { loadSettings } from '../../../src/config/load.js';
import type { LearnedState } from '../../../src/domain/learned_state.js';
import { Pipeline, pipelineOptions } from '../../../src/engine/pipeline.js';
import { PROJECT } from '../support/project.js';

const SCAN = join(PROJECT, 'pcaps', 'horizontal_scan.pcap.gz');
const OFFICE_DAY = join(PROJECT, 'pcaps', 'office_day.pcap.gz');

describe('a run that is asked for what it has learned', function () {
  this.timeout(60_000);

  for (const shards of [1, 3]) {
    it(`gives it between ticks and at its end, with ${shards} shards, unchanged by the asking`, async () => {
      const settings = await loadSettings({ shards }, null);
      const pipeline = new Pipeline(pipelineOptions(settings));
      const run = async (isAsked: boolean): Promise<LearnedState[]> => {
        const states: LearnedState[] = [];
        const onLearned = (state: LearnedState): void => void states.push(state);
        const asking = setInterval(() => isAsked && pipeline.saveModel(), 1);
        const learning = { model: null, priors: {}, onLearned };
        await pipeline.run([OFFICE_DAY, SCAN], [], learning);
        clearInterval(asking);
        return states;
      };
      try {
        let asked = await run(true);
        // A run may be over before all shards have come to the end of a tick.
        while (asked.length === 1) asked = await run(true);
        const [alone] = await run(false);
        assert.ok(asked[0]!.figures.hosts <= alone!.figures.hosts);
        assert.deepEqual(asked.at(-1), alone);
      } finally {
        await pipeline.close();
      }
    });
  }

  it('goes on from what it gave on the way', async () => {
    const settings = await loadSettings({}, null);
    const pipeline = new Pipeline(pipelineOptions(settings));
    const states: LearnedState[] = [];
    const onLearned = (state: LearnedState): void => void states.push(state);
    const asking = setInterval(() => pipeline.saveModel(), 1);
    try {
      await pipeline.run([OFFICE_DAY], [], { model: null, priors: {}, onLearned });
      clearInterval(asking);
      const [first] = states;
      await pipeline.run([SCAN], [], { model: first!, priors: {}, onLearned });
      assert.ok(states.at(-1)!.figures.hosts >= first!.figures.hosts);
    } finally {
      await pipeline.close();
    }
  });
});
