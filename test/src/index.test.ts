import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replay, ThymusError, type Incident, type RunSummary } from '../../src/index.js';
import { MORNING_US, addressScan, conversation, inOrder, writePcap } from './support/captures.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/embed.mjs', import.meta.url));
const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };

describe('replay', function () {
  this.timeout(20_000);
  let folder: string;
  let scan: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-index-'));
    const packets = inOrder(
      conversation(ENDS, MORNING_US),
      addressScan('10.0.0.9', 60, MORNING_US),
    );
    scan = writePcap(join(folder, 'scan.pcap'), packets);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives incidents', async () => {
    const incidents: Incident[] = [];
    let summary: RunSummary | null = null;
    const options = { onSummary: (given: RunSummary) => (summary = given) };
    for await (const incident of replay([scan], options)) incidents.push(incident);
    assert.deepEqual(
      incidents.map(({ id, entity }) => [id, entity.address]),
      [['1', '10.0.0.9']],
    );
    assert.equal((summary as RunSummary | null)?.packets, 68);
  });

  it('gives flows too when asked', async () => {
    const flows = [];
    for await (const item of replay([scan], { flows: true, shards: 2 })) {
      if (item.kind === 'flow') flows.push(item.flow);
    }
    assert.equal(flows.length, 61);
    const talk = flows.find((flow) => flow.respPort === 80);
    assert.equal(talk?.origIp, '10.0.0.1');
    assert.equal(talk.origPackets, 5);
    assert.equal(talk.respPackets, 3);
    assert.match(talk.communityId, /^1:/);
  });

  it('ends the run when the loop is left', async () => {
    let seen = 0;
    for await (const item of replay([scan], { flows: true })) {
      assert.equal(item.kind, 'flow');
      if (++seen === 2) break;
    }
    assert.equal(seen, 2);
  });

  it('throws after the last item when a file could not be read', async () => {
    const text = join(folder, 'text.pcap');
    writeFileSync(text, 'not a capture at all, but long enough');
    let incidents = 0;
    await assert.rejects(
      async () => {
        for await (const incident of replay([text, scan])) incidents += incident.id === '1' ? 1 : 0;
      },
      (error: unknown) => error instanceof ThymusError && error.code === 'UNREADABLE_INPUT',
    );
    assert.equal(incidents, 1);
  });

  it('refuses wrong options in one sentence', async () => {
    await assert.rejects(replay([scan], { lanes: 0 }).next(), /'--lanes' must be a whole number/);
    await assert.rejects(replay([]).next(), /At least one capture file is needed/);
  });

  it('runs twice at once in one process', async () => {
    const count = async (): Promise<number> => {
      let n = 0;
      for await (const item of replay([scan], { flows: true })) n += item.kind === 'flow' ? 1 : 0;
      return n;
    };
    assert.deepEqual(await Promise.all([count(), count()]), [61, 61]);
  });

  it('works as the example shows', () => {
    const output = execFileSync(process.execPath, [EXAMPLE, scan], { encoding: 'utf8' });
    assert.match(output, /^10\.0\.0\.9: 10\.0\.0\.9 .* tried 60 addresses on port 445/);
  });
});
