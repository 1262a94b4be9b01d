import assert from 'node:assert/strict';
import { compareAlarms } from '../../../src/domain/incident.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

const CLIENT = '10.0.0.7';
const SERVICE = '10.0.0.80';

interface Request {
  readonly url: string;
  readonly status?: number;
  readonly type?: string;
}

function ask(
  traffic: Traffic,
  at: number,
  { url, status = 200, type = 'text/html' }: Request,
): void {
  const fields = {
    url,
    http_method: 'GET',
    http_content_type: type,
    ...(status ? { status } : {}),
  };
  traffic.say({ at, from: CLIENT, to: SERVICE, port: 80 }, 'http', fields);
}

describe('survey of a web service', () => {
  const search = (): Traffic => {
    const random = seeded(3);
    const traffic = new Traffic();
    for (let i = 0; i < 600; i++) {
      const url = `/${Math.floor(random() * 1e9).toString(36)}/admin.php`;
      ask(traffic, i * 0.05, { url, status: random() < 0.95 ? 404 : 200 });
    }
    return traffic;
  };

  it('is told when pages are guessed, within ten seconds', () => {
    const { alarms, incidents } = judge(search());
    assert.equal(incidents[0]!.entity.address, CLIENT);
    assert.deepEqual(incidents[0]!.detectors, ['survey']);
    assert.match(
      incidents[0]!.summary,
      /tried \d+ resources of 10\.0\.0\.80 port 80 in .* not there/,
    );
    assert.ok(alarms[0]!.timeUs - START_US <= 10e6, `${alarms[0]!.timeUs - START_US}`);
  });

  const readOut = (): Traffic => {
    const traffic = new Traffic();
    for (let i = 0; i < 3000; i++) {
      ask(traffic, i * 0.1, { url: `/subscriber?id=${5000 + i}`, type: 'application/json' });
    }
    return traffic;
  };

  it('is remembered by the next run', () => {
    assertGoesOn(search(), [5, 15]);
    assertGoesOn(readOut(), [100, 250]);
  });

  it('is told when records are read one after another', () => {
    const { incidents } = judge(readOut());
    assert.match(incidents[0]!.summary, /asked 10\.0\.0\.80 port 80 for [\d,]+ records, one after/);
    assert.equal(incidents[0]!.stage, 'collect');
  });

  it('is judged the same with several shards', () => {
    const one = judge(search()).alarms;
    for (const shards of [2, 3]) {
      assert.deepEqual(judge(search(), { shards }).alarms.sort(compareAlarms), one);
    }
  });

  it('is not what people, their pages, pollers and mirrors do', () => {
    const random = seeded(6);
    const traffic = new Traffic();
    for (let at = 0; at < 3600; at += 20) {
      ask(traffic, at, { url: `/article/${Math.floor(random() * 1e6)}` });
      for (let k = 0; k < 60; k++) {
        const picture = { url: `/img/${at * 100 + k}.jpg`, type: 'image/jpeg' };
        ask(traffic, at + 0.2 + k * 0.01, { ...picture, status: k === 7 ? 404 : 200 });
      }
    }
    for (let at = 0.5; at < 3600; at += 1) {
      const token = Math.floor(random() * 1e9).toString(36);
      ask(traffic, at, { url: `/poll?t=${1_767_600_000_000 + at * 1000}&n=${token}` });
      ask(traffic, at + 0.1, { url: '/status', type: 'application/json' });
    }
    for (let i = 0; i < 2000; i++) {
      const type = 'application/octet-stream';
      ask(traffic, 1000 + i * 0.02, { url: `/pool/main/p/pkg${i}_1.${i}.deb`, type });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });
});
