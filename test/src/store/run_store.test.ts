import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DuckDBInstance } from '@duckdb/node-api';

import type { Incident } from '../../../src/domain/incident.js';
import { OutputFile } from '../../../src/store/output_file.js';
import { RunArchive } from '../../../src/store/run_archive.js';
import { defaultStateDirectory } from '../../../src/store/run_files.js';
import { compareRunIds } from '../../../src/store/run_id.js';
import { RunStore } from '../../../src/store/run_store.js';
import { scanIncident, summaryOf } from '../api/incidents.js';
import { flowRow, tlv, T0_US } from '../api/rows.js';

describe('RunStore and RunArchive', () => {
  let state: string;
  beforeEach(() => (state = mkdtempSync(join(tmpdir(), 'thymus-store-'))));
  afterEach(() => rmSync(state, { recursive: true, force: true }));

  const begin = (keepFlows = false, stateDirectory = state): Promise<RunStore> =>
    RunStore.create({
      stateDirectory,
      engineVersion: '0.1.0',
      sources: ['a.pcap'],
      keepFlows,
      keepDevices: false,
    });
  const runWith = async (...incidents: Incident[]): Promise<string> => {
    const store = await begin();
    for (const incident of incidents) store.onIncident(incident, 'opened');
    for (const incident of incidents) store.onIncident(incident, 'final');
    store.onSummary(summaryOf());
    await store.end();
    return store.runId;
  };

  it('gives back what was kept', async () => {
    const id = await runWith(scanIncident(), scanIncident({ id: '2' }));
    const archive = new RunArchive(state);
    const [run] = archive.runs();
    assert.equal(run?.id, id);
    assert.deepEqual(run.summary, summaryOf());
    assert.ok(run.endedAt !== null && run.endedAt >= run.startedAt);
    assert.deepEqual(await archive.incidents(run), [scanIncident(), scanIncident({ id: '2' })]);
  });

  it('finds an incident by run, by the beginning of a run, and in the newest run', async () => {
    const first = await runWith(scanIncident({ summary: 'old' }));
    const second = await runWith(scanIncident({ summary: 'new' }));
    const archive = new RunArchive(state);
    const summaries = [];
    for (const id of [`${first}/1`, `${second}/1`, '1', `${first.slice(0, 8)}/1`]) {
      summaries.push((await archive.incident(id)).incident.summary);
    }
    assert.deepEqual(summaries, ['old', 'new', 'new', 'new']);
  });

  it('says what there is when an id is not found', async () => {
    const archive = new RunArchive(state);
    await assert.rejects(archive.incident('1'), {
      code: 'NO_SUCH_INCIDENT',
      message: /No run is kept/,
    });
    const id = await runWith(scanIncident());
    await assert.rejects(archive.incident('7'), {
      message: `Run ${id} has no incident '7': there are 1.`,
    });
    await assert.rejects(archive.incident('1999/1'), { message: /No run that begins with '1999'/ });
    await runWith();
    await assert.rejects(archive.incident('1'), { message: /it found none\.$/ });
  });

  it('keeps two runs at once apart', async () => {
    const stores = await Promise.all([begin(), begin(), begin(true)]);
    const ids = stores.map((store) => store.runId);
    assert.equal(new Set(ids).size, 3);
    for (const [i, store] of stores.entries()) {
      store.onIncident(scanIncident({ summary: `of ${i}` }), 'final');
    }
    await Promise.all(stores.map((store) => store.end()));
    const archive = new RunArchive(state);
    for (const [i, id] of ids.entries()) {
      assert.equal((await archive.incident(`${id}/1`)).incident.summary, `of ${i}`);
    }
  });

  it('forgets an incident that was merged into another one', async () => {
    const store = await begin();
    store.onIncident(scanIncident(), 'opened');
    store.onIncident(scanIncident({ id: '2' }), 'opened');
    store.onIncident(scanIncident({ id: '2', summary: 'both' }), 'final');
    store.onSummary(summaryOf());
    await store.end();
    const archive = new RunArchive(state);
    const kept = await archive.incidents(archive.run());
    assert.deepEqual(
      kept.map(({ id, summary }) => [id, summary]),
      [['2', 'both']],
    );
  });

  it('reads what a killed run had found, without its torn last line', async () => {
    const store = await begin();
    store.onIncident(scanIncident(), 'opened');
    appendFileSync(
      join(state, 'runs', store.runId, 'incidents.jsonl'),
      '{"incident":{"id":"2","en',
    );
    const archive = new RunArchive(state);
    const run = archive.run(store.runId);
    assert.equal(run.endedAt, null);
    assert.deepEqual(await archive.incidents(run), [scanIncident()]);
    await store.end();
  });

  it('reads a run whose list of incidents is missing as a run without any', async () => {
    const id = await runWith(scanIncident());
    rmSync(join(state, 'runs', id, 'incidents.jsonl'));
    const archive = new RunArchive(state);
    assert.deepEqual(await archive.incidents(archive.run()), []);
  });

  it('passes over what is no run of this version', async () => {
    const id = await runWith(scanIncident());
    const put = (name: string, text: string): void => {
      mkdirSync(join(state, 'runs', name));
      writeFileSync(join(state, 'runs', name, 'run.json'), text);
    };
    const record = JSON.parse(readFileSync(join(state, 'runs', id, 'run.json'), 'utf8')) as object;
    put('29990101-000000', '{"schemaVersion":');
    put('29990101-000001', 'null');
    put(
      '29990101-000002',
      JSON.stringify({ ...record, id: '29990101-000002', schemaVersion: 999 }),
    );
    put('photos', JSON.stringify(record));
    mkdirSync(join(state, 'runs', '29990101-000003'));
    writeFileSync(join(state, 'runs', '29990101-000004'), 'a file');
    assert.deepEqual(
      new RunArchive(state).runs().map((run) => run.id),
      [id],
    );
  });

  it('says in one sentence that the state directory cannot be written', async () => {
    writeFileSync(join(state, 'runs'), 'in the way');
    await assert.rejects(begin(), { code: 'OUTPUT_FAILED', message: /^Cannot write [^\n]+\.$/ });
    rmSync(join(state, 'runs'));
    await assert.rejects(begin(false, '/dev/null/thymus'), {
      code: 'OUTPUT_FAILED',
      message: /^Cannot write \/dev\/null\/thymus[^\n]+\.$/,
    });
  });

  it('refuses a read-only directory', async function () {
    if (process.getuid?.() === 0) this.skip();
    chmodSync(state, 0o500);
    await assert.rejects(begin(), { code: 'OUTPUT_FAILED', message: /permission is missing/ });
    chmodSync(state, 0o700);
  });

  it('keeps flows where one query joins them with incidents', async () => {
    const store = await begin(true);
    const nRows = 5000;
    for (let i = 0; i < nRows; i++) {
      store.onFlow(flowRow({ flowIdLow: i, flowIdHigh: 0, app: 2 }), tlv(1, `S${i}`));
      await store.pressure();
    }
    store.onIncident(scanIncident(), 'final');
    store.onSummary(summaryOf());
    await store.end();
    const rows = await query(
      join(state, 'runs', store.runId, 'run.duckdb'),
      `SELECT f.history, f.orig_addr, f.app, f.rtt_us, f.ts_first_us, (SELECT count(*) FROM flows) AS n,
              i.entity, x.observed
         FROM evidence_flows e JOIN flows f USING (flow_id) JOIN incidents i USING (incident)
         JOIN features x USING (incident, evidence)
        ORDER BY f.flow_id, x.observed DESC LIMIT 1`,
    );
    assert.deepEqual(rows, [
      ['S31', '10.0.0.5', 'dns', null, T0_US, BigInt(nRows), '10.0.0.66', 36],
    ]);
  });
});

async function query(path: string, sql: string): Promise<unknown[][]> {
  const database = await DuckDBInstance.create(path, { autoinstall_known_extensions: 'false' });
  const connection = await database.connect();
  const rows = await (await connection.run(sql)).getRows();
  connection.closeSync();
  database.closeSync();
  return rows;
}

describe('run ids', () => {
  it('sort by time, then by number', () => {
    const ids = ['20261120-202000-10', '20261120-202001', '20261120-202000', '20261120-202000-2'];
    assert.deepEqual(ids.sort(compareRunIds), [
      '20261120-202000',
      '20261120-202000-2',
      '20261120-202000-10',
      '20261120-202001',
    ]);
  });
});

describe('defaultStateDirectory', () => {
  it('follows the XDG specification', () => {
    assert.equal(defaultStateDirectory({ XDG_STATE_HOME: '/var/x' }), '/var/x/thymus');
    for (const XDG_STATE_HOME of ['', 'relative']) {
      assert.match(defaultStateDirectory({ XDG_STATE_HOME }), /\/\.local\/state\/thymus$/);
    }
  });
});

describe('OutputFile', () => {
  it('writes small and large pieces in their order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'thymus-output-'));
    const path = join(folder, 'x');
    const pieces = ['a', 'ä'.repeat(300_000), 'b'.repeat(200_000), 'c', 'd'.repeat(80_000), 'é'];
    const file = new OutputFile(path);
    for (const piece of pieces) file.writeText(piece);
    file.writeBytes(Buffer.alloc(600_000, 0x65));
    file.writeBytes(Buffer.from('f'));
    file.close();
    file.close();
    assert.equal(readFileSync(path, 'utf8'), `${pieces.join('')}${'e'.repeat(600_000)}f`);
    rmSync(folder, { recursive: true });
  });
});
