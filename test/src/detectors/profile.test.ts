import assert from 'node:assert/strict';
import { compareAlarms } from '../../../src/domain/incident.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

const CAMERA = '10.0.0.50';
const HOURS = 3600;

/** A camera that talks to its recorder and its cloud all day. */
function camera(hours: number): Traffic {
  const traffic = new Traffic();
  for (let at = 0; at < hours * HOURS; at += 5) {
    traffic.connect({ at, from: CAMERA, to: '10.0.0.60', port: 554 });
    if (at % 300 === 0) traffic.connect({ at, from: CAMERA, to: '203.0.113.5', port: 443 });
    if (at % 600 === 0) traffic.ask({ at, from: CAMERA, to: '198.51.100.7', port: 123 });
  }
  return traffic;
}

function misuse(traffic: Traffic, from: number): Traffic {
  [23, 80, 8080, 445, 6667, 5555, 2323, 22].forEach((port, i) => {
    traffic.connect({ at: from + 10 * i, from: CAMERA, to: '10.0.0.99', port });
  });
  return traffic;
}

describe('device profile', () => {
  it('that is left is told, within eight new kinds of flows', () => {
    const { alarms, incidents } = judge(misuse(camera(3), 2.5 * HOURS));
    assert.equal(incidents.length, 1);
    assert.equal(incidents[0]!.entity.address, CAMERA);
    assert.ok(incidents[0]!.detectors.includes('mud'));
    const reasons = incidents[0]!.evidence.map((piece) => piece.reason).join('\n');
    assert.match(reasons, /left its profile with \d+ new kinds of flows/);
    assert.ok(alarms[0]!.timeUs - START_US <= (2.5 * HOURS + 71) * 1e6);
  });

  it('is judged the same with several shards', () => {
    const one = judge(misuse(camera(3), 2.5 * HOURS)).alarms;
    const two = judge(misuse(camera(3), 2.5 * HOURS), { shards: 2 }).alarms;
    assert.deepEqual(two.sort(compareAlarms), one);
  });

  it('is remembered by the next run', () => {
    assertGoesOn(misuse(camera(3), 2.5 * HOURS), [0.75 * HOURS, 2.5 * HOURS + 30]);
  });

  it('is not known in the first hour, so nothing is said then', () => {
    const { incidents } = judge(misuse(camera(0.5), 0.4 * HOURS));
    assert.ok(!incidents.some((i) => i.detectors.includes('mud')));
  });

  it('of a workstation is wide, so that new things are no news', () => {
    const random = seeded(12);
    const traffic = new Traffic();
    for (let at = 0; at < 4 * HOURS; at += 5) {
      const isNew = random() < 0.2;
      const to = isNew ? `198.${Math.floor(random() * 100)}.${at % 250}.1` : '203.0.113.5';
      traffic.connect({ at, from: '10.0.0.30', to, port: random() < 0.9 ? 443 : 8443 });
    }
    assert.ok(!judge(traffic).incidents.some((i) => i.detectors.includes('mud')));
  });

  it('may widen by one kind a day', () => {
    const traffic = camera(3);
    traffic.connect({ at: 2 * HOURS, from: CAMERA, to: '10.0.0.61', port: 8554 });
    assert.deepEqual(judge(traffic).incidents, []);
  });
});
