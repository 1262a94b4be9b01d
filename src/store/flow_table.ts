import { Worker } from 'node:worker_threads';

import {
  FLOW_ROW_BYTES,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { ThymusError, type ErrorCode } from '../errors.js';
import type { FlowTableData, FromFlowTable, SqlRow, ToFlowTable } from './flow_table_messages.js';
import { outputFailed } from './output_error.js';

/** Rows of one vector of the database: what it appends at once. */
const CHUNK_ROWS = 2048;
const CHUNK_HEAP_BYTES = 256 * 1024;
/** Chunks on their way to the thread from which on `pressure` holds the run back: about 3 MiB. */
const MOST_CHUNKS = 4;

/**
 * A DuckDB file with a table `flows`, filled by a thread of its own: the caller only copies records
 * of fixed size into a chunk, and a full chunk is handed over whole.
 *
 * Any failure of the thread rejects what waits for it and everything after.
 */
export class FlowTable {
  readonly #worker: Worker;
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #failure: Error | null = null;
  #rows = new Uint8Array(CHUNK_ROWS * FLOW_ROW_BYTES);
  #heap = new Uint8Array(CHUNK_HEAP_BYTES);
  #nRows = 0;
  #heapUsed = 0;
  #lastSent: Promise<void> = Promise.resolve();

  private constructor(data: FlowTableData) {
    this.#worker = new Worker(new URL('./flow_table_worker.js', import.meta.url), {
      workerData: data,
    });
    this.#worker.on('message', (message: FromFlowTable) => {
      this.#onMessage(message);
    });
    this.#worker.on('error', (error) => {
      this.#fail(outputFailed(data.path, error));
    });
    this.#worker.on('exit', () => {
      this.#fail(new ThymusError('INTERNAL', 'The store has ended.'));
    });
  }

  /**
   * Makes the database; nothing may be at `path` yet.
   * @throws ThymusError STORE_UNAVAILABLE when DuckDB is not installed, OUTPUT_FAILED
   */
  static async create(data: FlowTableData): Promise<FlowTable> {
    const table = new FlowTable(data);
    await table.#answer();
    return table;
  }

  /** Copies one record. */
  add(row: FlowRowView, detail: Uint8Array): void {
    if (this.#failure !== null) throw this.#failure;
    const tooLong = detail.length > CHUNK_HEAP_BYTES - this.#heapUsed;
    if (this.#nRows === CHUNK_ROWS || tooLong) this.#sendChunk();
    const at = this.#nRows++ * FLOW_ROW_BYTES;
    this.#rows.set(row.u8.subarray(row.at, row.at + FLOW_ROW_BYTES), at);
    this.#heap.set(detail, this.#heapUsed);
    const place = new DataView(this.#rows.buffer, at, FLOW_ROW_BYTES);
    place.setUint32(FlowRowOffset.heapOffset, this.#heapUsed, true);
    place.setUint32(FlowRowOffset.heapBytes, detail.length, true);
    this.#heapUsed += detail.length;
  }

  /** Null, or a promise that settles when the thread has caught up. */
  pressure(): Promise<void> | null {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return this.#waiting.length >= MOST_CHUNKS ? this.#lastSent : null;
  }

  /** Runs SQL after all rows so far; with `rows`, once for each with its values. */
  async run(sql: string, rows: readonly SqlRow[] = []): Promise<void> {
    this.#sendChunk();
    await this.#send({ kind: 'statement', sql, rows });
  }

  /** Writes what is left and closes the database. */
  async close(): Promise<void> {
    try {
      this.#sendChunk();
      await this.#send({ kind: 'close' });
    } finally {
      this.#failure ??= new ThymusError('INTERNAL', 'The store is closed.');
      await this.#worker.terminate();
    }
  }

  #sendChunk(): void {
    if (this.#nRows === 0) return;
    const [rows, heap] = [this.#rows.buffer, this.#heap.buffer];
    this.#lastSent = this.#send({ kind: 'rows', nRows: this.#nRows, rows, heap }, [rows, heap]);
    // Whoever asks for pressure or closes learns of a failure; nobody has to ask.
    this.#lastSent.catch(() => {});
    this.#rows = new Uint8Array(CHUNK_ROWS * FLOW_ROW_BYTES);
    this.#heap = new Uint8Array(CHUNK_HEAP_BYTES);
    this.#nRows = 0;
    this.#heapUsed = 0;
  }

  #send(message: ToFlowTable, transfer: ArrayBuffer[] = []): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#worker.postMessage(message, transfer);
    return this.#answer();
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #onMessage(message: FromFlowTable): void {
    if (message.kind === 'done') this.#waiting.shift()?.resolve();
    else this.#fail(new ThymusError(message.code as ErrorCode, message.message));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
