import { parentPort, workerData } from 'node:worker_threads';

import type { DuckDBAppender, DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

import { FLOW_ROW_BYTES, FlowRowView } from '../batch/generated/record_layout.js';
import { ThymusError } from '../errors.js';
import { loadDuckDb, openDatabase } from './duckdb.js';
import { FLOW_COLUMNS, flowValues, type FlowColumn } from './flow_columns.js';
import type { FlowTableData, FromFlowTable, SqlRow, ToFlowTable } from './flow_table_messages.js';
import { outputFailed } from './output_error.js';

const SQL_TYPES: Readonly<Record<FlowColumn['kind'], string>> = {
  number: 'DOUBLE',
  text: 'VARCHAR',
  integers: 'SMALLINT[]',
};

const { path, wanted } = workerData as FlowTableData;
const port = parentPort!;
const duckDb = await opened(() => loadDuckDb(wanted));
const types = FLOW_COLUMNS.map(({ kind }) => {
  if (kind === 'number') return duckDb.DOUBLE;
  return kind === 'text' ? duckDb.VARCHAR : duckDb.LIST(duckDb.SMALLINT);
});
const chunk = duckDb.DuckDBDataChunk.create(types);
const [instance, connection, appender] = await opened(openTable);

// Messages are answered one after the other, whatever the database does in between.
let turn: Promise<void> = Promise.resolve();
port.on('message', (message: ToFlowTable) => {
  turn = turn.then(() => answer(message));
});
port.postMessage({ kind: 'done' } satisfies FromFlowTable);

async function openTable(): Promise<[DuckDBInstance, DuckDBConnection, DuckDBAppender]> {
  const database = await openDatabase(duckDb, path);
  const link = await database.connect();
  const columns = FLOW_COLUMNS.map(({ name, kind }) => `"${name}" ${SQL_TYPES[kind]}`);
  await link.run(`CREATE TABLE flows (${columns.join(', ')})`);
  return [database, link, await link.createAppender('flows')];
}

async function answer(message: ToFlowTable): Promise<void> {
  try {
    if (message.kind === 'rows') appendRows(message);
    else if (message.kind === 'statement') await runStatement(message.sql, message.rows);
    else close();
    port.postMessage({ kind: 'done' } satisfies FromFlowTable);
  } catch (error) {
    tellFailure(error);
  }
}

function appendRows({ nRows, rows, heap }: Extract<ToFlowTable, { kind: 'rows' }>): void {
  const view = new FlowRowView(rows);
  const values: ReturnType<typeof flowValues>[] = [];
  for (let i = 0; i < nRows; i++) {
    view.at = i * FLOW_ROW_BYTES;
    values.push(flowValues(view, new Uint8Array(heap, view.heapOffset, view.heapBytes)));
  }
  chunk.reset();
  chunk.setRows(
    values.map((row) =>
      row.map((value) => (Array.isArray(value) ? duckDb.listValue(value) : value)),
    ) as Parameters<typeof chunk.setRows>[0],
  );
  appender.appendDataChunk(chunk);
  appender.flushSync();
}

async function runStatement(sql: string, rows: readonly SqlRow[]): Promise<void> {
  if (rows.length === 0) await connection.run(sql);
  for (const row of rows) await connection.run(sql, [...row]);
}

function close(): void {
  appender.closeSync();
  connection.closeSync();
  instance.closeSync();
}

async function opened<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    tellFailure(error);
    throw error;
  }
}

function tellFailure(error: unknown): void {
  const { code, message } = error instanceof ThymusError ? error : outputFailed(path, error);
  port.postMessage({ kind: 'failed', code, message } satisfies FromFlowTable);
}
