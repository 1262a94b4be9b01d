import assert from 'node:assert/strict';
import { FlowFlags } from '../../../src/batch/generated/record_layout.js';
import { assertGoesOn, inTwo } from '../support/cut_run.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

const pair = { at: 0, from: '10.0.0.7', to: '203.0.113.9' };
type Pair = readonly [request: number, reply: number];

/** Minutes of pings that `make` makes one by one. */
const minutes = (n: number, make: () => Pair): Pair[][] =>
  Array.from({ length: n }, () => Array.from({ length: 20 }, make));

describe('ping tunnel', () => {
  it('is told within five minutes of replies that carry something else', () => {
    const random = seeded(3);
    const any = (): number => 40 + Math.floor(random() * 200);
    const traffic = new Traffic().pings(
      pair,
      minutes(10, () => [any(), any()]),
    );
    const { incidents, alarms } = judge(traffic);
    assert.equal(incidents.length, 1);
    assert.equal(incidents[0]!.entity.address, '10.0.0.7');
    assert.equal(incidents[0]!.detectors[0], 'odd_tunnel');
    assert.match(incidents[0]!.summary, /packets with 203\.0\.113\.9 as pings/);
    assert.ok(alarms[0]!.timeUs <= START_US + 300e6);
  });

  it('is told once of requests that each carry something else, and are answered in full', () => {
    const flags = FlowFlags.BOTH_DIRECTIONS | FlowFlags.VARYING_ECHO;
    const traffic = new Traffic().pings(
      pair,
      minutes(3, () => [928, 928]),
      flags,
    );
    const { incidents, alarms } = judge(traffic);
    assert.equal(incidents.length, 1);
    assert.equal(alarms[0]!.evidenceCount, 1);
    assert.equal(alarms[0]!.timeUs, START_US + 60e6);
    assert.match(incidents[0]!.summary, /as pings in .*, each request with data of its own$/);
    const [, after] = inTwo(traffic, 65);
    assert.deepEqual(
      after.alarms.map(({ state }) => state),
      ['closed'],
    );
  });

  it('is remembered by the next run, and is told anew in an earlier capture', () => {
    const random = seeded(3);
    const any = (): number => 40 + Math.floor(random() * 200);
    const traffic = new Traffic().pings(
      pair,
      minutes(10, () => [any(), any()]),
    );
    assertGoesOn(traffic, [65, 130, 250, 430]);
    const whole = judge(traffic);
    const again = judge(traffic, { model: whole.learned });
    assert.equal(again.incidents[0]!.summary, whole.incidents[0]!.summary);
  });

  const quiet = (name: string, pings: Pair[][]): void => {
    it(`is not told of ${name}`, () => {
      const { incidents, alarms } = judge(new Traffic().pings(pair, pings));
      assert.deepEqual([incidents, alarms], [[], []]);
    });
  };
  let size = 40;

  quiet(
    'a ping that runs for an hour',
    minutes(60, () => [84, 84]),
  );
  quiet(
    'a host that cuts long replies',
    minutes(60, () => [1408, 76]),
  );
  quiet(
    'a sweep of sizes',
    minutes(60, () => [(size += 8), size]),
  );
  quiet(
    'a sweep of sizes, a tenth of which gets lost',
    minutes(60, () => [(size = 40 + ((size + 8) % 1400)), size % 10 === 0 ? 0 : size]),
  );
});
