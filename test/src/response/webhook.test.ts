import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { Webhook } from '../../../src/response/actuators/webhook.js';
import { allDone, failure, Listener, order } from './support.js';

const SECRET = 'a secret of both sides';
const isolate = order('a-1', { kind: 'isolate', host: '10.0.0.1' });

describe('Webhook', () => {
  let listener: Listener;
  let webhook: Webhook;
  let url: string;
  beforeEach(async () => {
    listener = new Listener();
    url = await listener.start();
    webhook = new Webhook({
      url: `${url}/thymus?key=hidden`,
      secret: SECRET,
      timeoutMs: 2000,
      kinds: null,
      expiresByItself: false,
      nowMs: () => 1_700_000_000_500,
    });
  });
  afterEach(() => listener.stop());

  it('signs time and body', async () => {
    allDone(await webhook.apply([isolate]));
    const [{ headers, body }] = listener.heard as [(typeof listener.heard)[0]];
    assert.equal(headers['x-thymus-timestamp'], '1700000000');
    const signed = createHmac('sha256', SECRET).update(`1700000000.${body}`).digest('hex');
    assert.equal(headers['x-thymus-signature'], `sha256=${signed}`);
    assert.deepEqual(JSON.parse(body), {
      version: 1,
      verb: 'apply',
      orders: [{ id: 'a-1', measure: { kind: 'isolate', host: '10.0.0.1' }, ttl_ms: 60_000 }],
    });
  });

  it('sends what is to be undone, and panic', async () => {
    allDone(await webhook.undo([isolate]));
    allDone([await webhook.panic()]);
    assert.deepEqual(
      listener.heard.map(({ body }) => (JSON.parse(body) as { verb: string }).verb),
      ['undo', 'panic'],
    );
    assert.equal(await webhook.verify(isolate), null);
    assert.equal(await webhook.list(), null);
  });

  const answers: readonly (readonly [number, boolean, RegExp])[] = [
    [500, true, /answered HTTP 500 \(out of order\): see its log/],
    [429, true, /HTTP 429/],
    [401, false, /check the secret/],
    [404, false, /check the URL/],
    [302, false, /check the URL/],
  ];
  for (const [status, again, words] of answers) {
    it(`tells HTTP ${status}`, async () => {
      listener.answer = () => ({ status, body: 'out of order\nmore' });
      const { reason, retry } = failure((await webhook.apply([isolate]))[0]);
      assert.match(reason, words);
      assert.equal(retry, again);
      assert.ok(!reason.includes('hidden'), 'what may be secret in the URL is not told');
    });
  }

  it('does not wait for ever', async () => {
    listener.answer = () => ({ status: 0 });
    const { reason, retry } = failure((await webhook.apply([isolate]))[0]);
    assert.match(reason, /no answer within 2000 ms/);
    assert.ok(retry);
  });

  it('says that nobody is there', async () => {
    listener.stop();
    const { reason, retry } = failure((await webhook.apply([isolate]))[0]);
    assert.match(reason, /cannot be reached/);
    assert.ok(retry);
  });
});
