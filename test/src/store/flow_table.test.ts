import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FlowTable } from '../../../src/store/flow_table.js';
import { flowRow } from '../api/rows.js';

const NO_DETAIL = new Uint8Array(0);

describe('FlowTable', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-table-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('says that a database cannot be made', async () => {
    const data = { path: join(folder, 'none', 'x.duckdb'), wanted: 'This test' };
    await assert.rejects(FlowTable.create(data), {
      code: 'OUTPUT_FAILED',
      message: /^Cannot write [^\n]+\.$/,
    });
  });

  it('holds back whoever is faster than the database', async () => {
    const table = await FlowTable.create({ path: join(folder, 'x.duckdb'), wanted: 'This test' });
    let n = 0;
    while (table.pressure() === null && n < 100_000) {
      table.add(flowRow({ flowIdLow: n }), NO_DETAIL);
      n++;
    }
    assert.ok(n < 100_000, 'pressure came');
    await table.pressure();
    assert.equal(table.pressure(), null, 'pressure went');
    await table.close();
  });

  it('tells a failed statement to who waits for it, and all that follows', async () => {
    const table = await FlowTable.create({ path: join(folder, 'x.duckdb'), wanted: 'This test' });
    await assert.rejects(table.run('NONSENSE'), { code: 'OUTPUT_FAILED' });
    assert.throws(() => table.add(flowRow(), NO_DETAIL), { code: 'OUTPUT_FAILED' });
    await assert.rejects(async () => table.pressure(), { code: 'OUTPUT_FAILED' });
    await assert.rejects(table.close(), { code: 'OUTPUT_FAILED' });
  });
});
