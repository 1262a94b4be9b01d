import assert from 'node:assert/strict';
import { COUNTERS } from '../../../src/batch/generated/names.js';
import type { NativeStats } from '../../../src/engine/addon_types.js';
import { LossMeter } from '../../../src/engine/loss_meter.js';

const SECOND = 1e6;

function stats(values: Readonly<Record<string, number>>): () => NativeStats {
  return () => ({
    counters: COUNTERS.map(([name]) => values[name] ?? 0),
    bytesRead: 0,
    bytesTotal: 0,
    firstPacketTimeUs: 0,
    packetTimeUs: 0,
    ended: false,
    nativeCpuNs: 0,
    sources: [],
  });
}

describe('LossMeter', () => {
  it('knows of no loss at first', () => {
    assert.equal(new LossMeter().share, 0);
  });

  it('says the share of frames that were lost, in the kernel or in the card', () => {
    const meter = new LossMeter();
    meter.note(0, stats({ kernel_frames: 1000 }));
    meter.note(SECOND, stats({ kernel_frames: 1080, kernel_drops: 15, nic_drops: 20 }));
    assert.equal(meter.share, 0.35);
  });

  it('says the share of flows that were not looked into when that is more', () => {
    const meter = new LossMeter();
    meter.note(0, stats({ kernel_frames: 1000, flows: 10 }));
    meter.note(SECOND, stats({ kernel_frames: 2000, flows: 20, uninspected_flows: 4 }));
    assert.equal(meter.share, 0.4);
  });

  it('forgets a loss after a minute', () => {
    const meter = new LossMeter();
    meter.note(0, stats({}));
    for (let second = 1; second <= 70; second++) {
      meter.note(second * SECOND, stats({ kernel_frames: 100 + second, kernel_drops: 100 }));
    }
    assert.equal(meter.share, 0);
  });

  it('asks for counters once a second at most', () => {
    let asked = 0;
    const meter = new LossMeter();
    const counting = (): NativeStats => {
      asked++;
      return stats({})();
    };
    for (let us = 0; us < 3 * SECOND; us += SECOND / 10) meter.note(us, counting);
    assert.equal(asked, 3);
  });
});
