import assert from 'node:assert/strict';
import { ANOMALY_NAMES } from '../../../src/batch/generated/names.js';
import { assertGoesOn } from '../support/cut_run.js';
import { judge, Traffic } from '../support/traffic.js';

const SERVER = '10.0.0.20';
const code = ANOMALY_NAMES.indexOf('applayer.http.request_unfinished');
const flowAt = (at: number, from = '10.0.0.7') => ({ at, from, to: SERVER, port: 80 });

/** A client that leaves requests unfinished, one a second. */
function slow(n: number, traffic = new Traffic()): Traffic {
  for (let i = 0; i < n; i++) traffic.say(flowAt(10 + i), 'anomaly', { code, tx_id: 0 });
  return traffic;
}

const page = { url: '/', http_method: 'GET', status: 200 };

describe('slow requests', () => {
  it('are told of at the 7th that was never finished', () => {
    const { incidents } = judge(slow(7));
    assert.equal(incidents.length, 1);
    assert.deepEqual(incidents[0]!.detectors, ['slow_requests']);
    assert.match(incidents[0]!.summary, /began 7 requests to 10\.0\.0\.20 .*never finished 7/);
    assert.deepEqual(judge(slow(6)).incidents, []);
  });

  it('are remembered by the next run', () => {
    assertGoesOn(slow(20), [14]);
  });

  it('are no alarm when most are finished, nor when a server does not answer', () => {
    const browser = new Traffic();
    const failing = new Traffic();
    for (let i = 0; i < 400; i++) {
      if (i % 40 === 0) browser.say(flowAt(10 + i), 'anomaly', { code, tx_id: 0 });
      else browser.say(flowAt(10 + i), 'http', page);
      failing.say(flowAt(10 + i, `10.0.1.${i % 50}`), 'http', { url: '/', http_method: 'GET' });
    }
    assert.deepEqual(judge(browser).incidents, []);
    assert.deepEqual(judge(failing).incidents, []);
  });

  it('are no alarm when many clients are switched off once', () => {
    const traffic = new Traffic();
    for (let i = 0; i < 100; i++) {
      traffic.say(flowAt(10 + i, `10.0.1.${i}`), 'anomaly', { code, tx_id: 0 });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });
});
