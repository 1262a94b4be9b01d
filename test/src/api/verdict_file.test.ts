import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readVerdicts, VerdictFile } from '../../../src/api/verdict_file.js';
import type { Incident } from '../../../src/domain/incident.js';
import { scanIncident, summaryOf } from './incidents.js';
import { T0_US } from './rows.js';

const PROTO_FOLDER = fileURLToPath(new URL('../../../../proto', import.meta.url));

describe('VerdictFile', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-verdicts-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = async (...incidents: Incident[]): Promise<Buffer> => {
    const path = join(folder, 'verdicts.pb');
    const options = { engineVersion: '0.1.0', sources: ['a.pcap'] };
    const sink = new VerdictFile(path, options);
    for (const incident of incidents) {
      sink.onIncident(incident, 'opened');
      sink.onIncident(incident, 'final');
    }
    sink.onSummary(summaryOf());
    await sink.end();
    return readFileSync(path);
  };

  it('frames run, verdicts and end', async () => {
    const bytes = await write(scanIncident(), scanIncident({ id: '2', confidence: 0.5 }));
    const [run, first, second, end, ...rest] = readVerdicts(bytes);
    assert.equal(rest.length, 0);
    assert.deepEqual(run!.run!.sources, ['a.pcap']);
    assert.equal(end!.runEnd!.verdicts, 2);
    assert.equal(end!.runEnd!.packets, 41523);
    const verdict = first!.verdict!;
    assert.equal(verdict.openedUs, T0_US + 12e6, 'microseconds are exact');
    assert.equal(verdict.disposition, 3);
    assert.equal(second!.verdict!.disposition, 2);
    assert.equal(verdict.evidence![0]!.features![0]!.observed, 34);
    assert.deepEqual(
      verdict.evidence![0]!.flows!.map((flow) => flow.respIp),
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    );
  });

  it('notices every cut inside of a message', async () => {
    const bytes = await write(scanIncident());
    const ends = messageEnds(bytes);
    for (let size = 0; size <= bytes.length; size++) {
      const read = (): number => readVerdicts(Uint8Array.from(bytes.subarray(0, size))).length;
      if (ends.includes(size)) assert.equal(read(), ends.indexOf(size));
      else assert.throws(read, { code: 'UNREADABLE_INPUT' });
    }
  });

  it('is read by protoc', async function () {
    if (!existsSync('/usr/bin/protoc')) this.skip();
    const bytes = await write(scanIncident());
    const ends = messageEnds(bytes);
    const verdict = bytes.subarray(ends[1], ends[2]);
    const text = execFileSync(
      '/usr/bin/protoc',
      ['--decode=thymus.v1.Envelope', `--proto_path=${PROTO_FOLDER}`, 'verdict.proto'],
      { input: verdict.subarray(verdict[1]! < 0x80 ? 2 : 3), encoding: 'utf8' },
    );
    for (const line of [
      'disposition: DISPOSITION_MALICIOUS',
      'severity: SEVERITY_MEDIUM',
      'confidence: 0.9981',
      `opened_us: ${T0_US + 12e6}`,
      'name: "failed first contacts"',
      'resp_port: 445',
    ]) {
      assert.ok(text.includes(line), `${line} is missing in\n${text}`);
    }
    assert.ok(!/^\s*\d+: /m.test(text), 'no field is unknown to protoc');
  });
});

/** Where each message ends, beginning with 0, by a walk of its own over the lengths. */
function messageEnds(bytes: Buffer): number[] {
  const ends = [0];
  for (let at = 0; at < bytes.length;) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += length;
    ends.push(at);
  }
  return ends;
}
