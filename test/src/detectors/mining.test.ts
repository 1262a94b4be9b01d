import assert from 'node:assert/strict';
import { APP_NAMES } from '../../../src/batch/generated/names.js';
import { differences, inTwo } from '../support/cut_run.js';
import { betsOn, judge, seeded, Traffic } from '../support/traffic.js';

const app = APP_NAMES.indexOf('mining');
const text = { origPrintable: 254, respPrintable: 254 };
const flow = { at: 0, from: '10.0.0.7', to: '203.0.113.9', port: 3333 };

describe('crypto-mining', () => {
  it('is told of a session of stratum, once', () => {
    const traffic = new Traffic().stream(flow, 30, { up: 600, down: 2500, app, ...text });
    const { incidents, alarms } = judge(traffic);
    assert.equal(incidents.length, 1);
    assert.deepEqual(incidents[0]!.detectors, ['mining']);
    assert.match(incidents[0]!.summary, /spoke a mining protocol with 203\.0\.113\.9 port 3333/);
    assert.equal(alarms[0]!.evidenceCount, 1);
  });

  it('is told of a short session in which both sides have said enough', () => {
    const session = (segments: readonly number[]): Traffic =>
      new Traffic().connect(flow, { lasts: 25, segments, fields: { app, ...text } });
    assert.equal(judge(session([64, 69, -45, -36, -479, 106])).incidents.length, 1);
    assert.deepEqual(judge(session([64, 69, 106, 106, -45, -36])).incidents, []);
  });

  it('is not told again by the next run, but in an earlier capture', () => {
    const traffic = new Traffic().stream(flow, 40, { up: 600, down: 2500, app, ...text });
    const other = { ...flow, at: 30, from: '10.0.0.8', port: 443 };
    traffic.stream(other, 40, { up: 700, down: 2200, segmentBytes: [240, -900, 240] });
    const whole = judge(traffic);
    for (const cut of [65, 1200, 2100]) {
      const [before, after] = inTwo(traffic, cut);
      assert.deepEqual([before.incidents.length, after.incidents], [1, []]);
      assert.deepEqual(differences(after.learned, whole.learned), []);
    }
    const again = judge(traffic, { model: whole.learned });
    assert.equal(again.incidents[0]!.summary, whole.incidents[0]!.summary);
  });

  it('is not told of a node of a coin, whose messages are binary', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 20; i++) {
      traffic.stream({ ...flow, at: i * 200, fromPort: 2000 + i }, 5, { up: 9e4, down: 9e5, app });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  it('ranks an old flow with rates and sizes of a miner above other old flows', () => {
    const random = seeded(4);
    const traffic = new Traffic();
    for (let i = 0; i < 60; i++) {
      const from = `10.0.0.${20 + (i % 30)}`;
      const sizes = { up: Math.exp(3 + 8 * random()), down: Math.exp(3 + 9 * random()) };
      const segmentBytes = [Math.round(40 + 300 * random()), -Math.round(40 + 1300 * random())];
      traffic.stream({ ...flow, at: 30 * i, from, port: 443, fromPort: i }, 40, {
        ...sizes,
        segmentBytes,
      });
    }
    const miner = { ...flow, at: 5000, port: 443, fromPort: 99 };
    traffic.stream(miner, 40, { up: 700, down: 2200, segmentBytes: [240, -900, 240] });
    const bets = betsOn(traffic).filter(({ lane }) => lane === 'mining');
    const strongest = bets.reduce((a, b) => (b.lnE > a.lnE ? b : a));
    assert.equal(strongest.address, '10.0.0.7');
    assert.equal(bets.filter(({ address }) => address === '10.0.0.7').length, 1);
  });
});
