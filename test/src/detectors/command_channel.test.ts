import assert from 'node:assert/strict';
import { APP_NAMES } from '../../../src/batch/generated/names.js';
import { inTwo } from '../support/cut_run.js';
import { judge, Traffic } from '../support/traffic.js';
import type { Fields } from '../support/batch_writer.js';

const SOURCE = '10.0.0.7';
const flow = { at: 10, from: SOURCE, to: '203.0.113.9', port: 8219 };
const FOREVER = '9999-12-31T23:59:59';

const certificate = (subject: string, more: Fields = {}): Fields => ({
  subject,
  issuerdn: subject,
  version: 'TLS 1.2',
  notafter: '2027-01-01T00:00:00',
  ...more,
});

const isTold = (fields: Fields): boolean =>
  judge(new Traffic().say(flow, 'tls', fields)).incidents.length > 0;

describe('command channel', () => {
  it('is told of a protocol of malware, once', () => {
    const app = APP_NAMES.indexOf('strrat');
    const traffic = new Traffic().stream(flow, 30, { up: 2000, down: 100, app });
    const { incidents, alarms } = judge(traffic);
    assert.equal(incidents.length, 1);
    assert.deepEqual(incidents[0]!.detectors, ['command_channel']);
    assert.match(incidents[0]!.summary, /spoke strrat, a protocol of malware, with 203\.0\.113\.9/);
    assert.equal(alarms[0]!.evidenceCount, 1);
  });

  it('is told of the client that meets the certificate of a kit', () => {
    const fields = certificate('CN=DcRat', { issuerdn: 'CN=DcRat Server, OU=x, C=CN' });
    const { incidents } = judge(new Traffic().say(flow, 'tls', fields));
    assert.equal(incidents.length, 1);
    assert.match(incidents[0]!.summary, /10\.0\.0\.7 .*spoke TLS with 203\.0\.113\.9 .*"DcRat"/);
  });

  it('is told of a name that a kit was given, by the form that is left', () => {
    const form = certificate('CN=Some Server CA', { notafter: FOREVER });
    assert.ok(isTold(form));
    assert.ok(!isTold({ ...form, notafter: '2099-12-31T23:59:59' }));
    assert.ok(!isTold({ ...form, sni: 'server.example.org' }));
    assert.ok(!isTold({ ...form, issuerdn: 'CN=Another CA' }));
    assert.ok(!isTold(certificate('O=Maker, CN=Some Server', { notafter: FOREVER })));
    assert.ok(!isTold(certificate('CN=sensor-0042', { notafter: FOREVER })));
  });

  it('is not told of other certificates, whoever signed them', () => {
    assert.ok(!isTold(certificate('CN=www.cobaltstrike.com', { issuerdn: 'C=US, CN=Some CA' })));
    assert.ok(!isTold(certificate('CN=localhost')));
    assert.ok(!isTold({ version: 'TLS 1.3', sni: 'asyncrat server' }));
  });

  it('is not told again by the next run', () => {
    const traffic = new Traffic();
    for (const at of [10, 700])
      traffic.say({ ...flow, at }, 'tls', certificate('CN=AsyncRAT Server'));
    const [before, after] = inTwo(traffic, 100);
    assert.deepEqual([before.incidents.length, after.incidents], [1, []]);
  });
});
