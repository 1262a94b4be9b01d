import { rmSync } from 'node:fs';
import { extname } from 'node:path';

import type { FlowRowView } from '../batch/generated/record_layout.js';
import type { RecordSink } from '../batch/record_sink.js';
import { ThymusError } from '../errors.js';
import { FLOW_COLUMNS, flowValues, type FlowValue } from '../store/flow_columns.js';
import { FlowTable } from '../store/flow_table.js';
import { OutputFile } from '../store/output_file.js';
import { jsonNumber, jsonString } from './json_text.js';

/**
 * `--flows FILE`: every ended flow as a row with all columns of the record, in the form that the end
 * of the name says: .csv (a line of titles; lists are separated by blanks, what was not measured is
 * empty), .jsonl, or .parquet.
 * @throws ThymusError USAGE for another name, OUTPUT_FAILED, STORE_UNAVAILABLE for .parquet where
 *   DuckDB is not installed
 */
export async function openFlowsFile(path: string): Promise<RecordSink> {
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return new FlowLines(path, { head: CSV_HEAD, line: csvLine });
    case '.jsonl':
      return new FlowLines(path, { head: '', line: jsonLine });
    case '.parquet':
      return FlowParquet.create(path);
    default:
      throw new ThymusError(
        'USAGE',
        `--flows ${path}: the name must end in .csv, .jsonl or .parquet, which says the format.`,
      );
  }
}

/** What all flow files leave alone. */
abstract class FlowSink implements RecordSink {
  readonly wantsFlows = true;
  readonly wantsEvents = false;

  abstract onFlow(row: FlowRowView, detail: Uint8Array): void;
  onEvent(): void {}
  onIncident(): void {}
  onCaptureError(): void {}
  onSummary(): void {}
  abstract pressure(): Promise<void> | null;
  abstract end(): Promise<void>;
}

interface LineForm {
  readonly head: string;
  readonly line: (values: readonly FlowValue[]) => string;
}

class FlowLines extends FlowSink {
  readonly #file: OutputFile;
  readonly #form: LineForm;

  constructor(path: string, form: LineForm) {
    super();
    this.#form = form;
    this.#file = new OutputFile(path);
    this.#file.writeText(form.head);
  }

  override onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#file.writeText(this.#form.line(flowValues(row, detail)));
  }

  override pressure(): null {
    return null;
  }

  override end(): Promise<void> {
    return this.#file.end();
  }
}

/** Rows go to a database beside the file first, which bounds memory, and at the end into the file. */
class FlowParquet extends FlowSink {
  readonly #path: string;
  readonly #draft: string;
  readonly #table: FlowTable;

  private constructor(path: string, draft: string, table: FlowTable) {
    super();
    this.#path = path;
    this.#draft = draft;
    this.#table = table;
  }

  static async create(path: string): Promise<FlowParquet> {
    // Whether the file can be written should be known before the run, not after it.
    new OutputFile(path).close();
    const draft = `${path}.${process.pid}.duckdb`;
    removeDraft(draft);
    const table = await FlowTable.create({ path: draft, wanted: 'Writing Parquet' });
    return new FlowParquet(path, draft, table);
  }

  override onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#table.add(row, detail);
  }

  override pressure(): Promise<void> | null {
    return this.#table.pressure();
  }

  override async end(): Promise<void> {
    const target = this.#path.replaceAll("'", "''");
    try {
      await this.#table.run(
        `COPY (${PARQUET_SELECT}) TO '${target}' (FORMAT parquet, COMPRESSION zstd)`,
      );
    } finally {
      await this.#table.close().finally(() => {
        removeDraft(this.#draft);
      });
    }
  }
}

/** Columns that JavaScript counts in doubles are whole numbers: Parquet says so. */
const PARQUET_SELECT = `SELECT ${FLOW_COLUMNS.map(({ name, kind }) =>
  kind === 'number' ? `CAST("${name}" AS BIGINT) AS "${name}"` : `"${name}"`,
).join(', ')} FROM flows`;

const CSV_HEAD = `${FLOW_COLUMNS.map((column) => column.name).join(',')}\n`;
const JSON_KEYS = FLOW_COLUMNS.map((column) => `${jsonString(column.name)}:`);

function csvLine(values: readonly FlowValue[]): string {
  return `${values.map(csvCell).join(',')}\n`;
}

function csvCell(value: FlowValue): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return value.join(' ');
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function jsonLine(values: readonly FlowValue[]): string {
  return `{${values.map((value, i) => `${JSON_KEYS[i]}${jsonCell(value)}`).join(',')}}\n`;
}

function jsonCell(value: FlowValue): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return jsonNumber(value);
  return typeof value === 'string' ? jsonString(value) : `[${value.join(',')}]`;
}

function removeDraft(path: string): void {
  for (const name of [path, `${path}.wal`]) rmSync(name, { force: true });
}
