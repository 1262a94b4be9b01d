import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DuckDBInstance } from '@duckdb/node-api';

import { openFlowsFile } from '../../../src/api/flows_file.js';
import { FLOW_ROW_FIELDS } from '../../../src/batch/generated/record_layout.js';
import { FLOW_COLUMNS } from '../../../src/store/flow_columns.js';
import { flowRow, T0_US, tlv, tlvs } from './rows.js';

const DETAIL = tlvs(tlv(1, 'Sh,"A'), tlv(2, Uint8Array.of(2, 0, 0, 0, 0, 1)), tlv(4, '1:abc='));

describe('openFlowsFile', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-flows-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = async (name: string, nRows = 2): Promise<string> => {
    const path = join(folder, name);
    const sink = await openFlowsFile(path);
    for (let i = 0; i < nRows; i++) {
      sink.onFlow(flowRow({ flowIdLow: i, flowIdHigh: 1, rttUs: i ? 1500 : 0xffffffff }), DETAIL);
      await sink.pressure();
    }
    await sink.end();
    return path;
  };

  it('writes JSON lines with every field of the record', async () => {
    const lines = readFileSync(await write('x.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const [first, second] = rows;
    assert.equal(rows.length, 2);
    const own = new Set(['heap_offset', 'heap_bytes', 'flow_id_low', 'flow_id_high']);
    for (const { name } of FLOW_ROW_FIELDS) assert.ok(own.has(name) || name in first!, name);
    assert.equal(first!.flow_id, '0000000100000000');
    assert.equal(first!.orig_addr, '10.0.0.5');
    assert.equal(first!.state, 'SF');
    assert.deepEqual([first!.rtt_us, second!.rtt_us], [null, 1500]);
    assert.equal((first!.segment_bytes as unknown[]).length, 12);
    assert.equal(first!.history, 'Sh,"A');
    assert.equal(first!.mac_orig, '020000000001');
    assert.equal(first!.mac_resp, null);
    assert.equal(first!.community_id, '1:abc=');
    assert.equal(first!.ts_first_us, T0_US);
  });

  it('writes CSV that reads back', async () => {
    const path = await write('x.csv');
    const rows = await query(
      `SELECT * FROM read_csv('${path}', header = true, all_varchar = true)`,
    );
    assert.equal(rows.length, 2);
    const cell = (name: string): unknown =>
      rows[0]![FLOW_COLUMNS.findIndex((c) => c.name === name)];
    assert.equal(cell('history'), 'Sh,"A');
    assert.equal(cell('rtt_us'), null);
    assert.equal(cell('segment_bytes'), '0 0 0 0 0 0 0 0 0 0 0 0');
    assert.equal(cell('orig_bytes'), '900');
  });

  it('writes Parquet and leaves nothing else behind', async () => {
    const path = await write("it's.parquet", 5000);
    const [row] = await query(
      `SELECT count(*), count(rtt_us), min(orig_addr), max(ts_first_us), len(any_value(segment_bytes))
         FROM read_parquet('${path.replaceAll("'", "''")}')`,
    );
    assert.deepEqual(row, [5000n, 4999n, '10.0.0.5', BigInt(T0_US), 12n]);
    assert.deepEqual(readdirSync(folder), ["it's.parquet"]);
  });

  it('refuses other names and places that cannot be written', async () => {
    await assert.rejects(openFlowsFile('x.xml'), { code: 'USAGE', message: /must end in \.csv/ });
    for (const name of ['x.parquet', 'x.csv']) {
      await assert.rejects(openFlowsFile(join(folder, 'none', name)), { code: 'OUTPUT_FAILED' });
    }
  });
});

async function query(sql: string): Promise<unknown[][]> {
  const database = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
  });
  const connection = await database.connect();
  const rows = await (await connection.run(sql)).getRows();
  connection.closeSync();
  database.closeSync();
  return rows;
}
