import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { FlowRowView } from '../batch/generated/record_layout.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { DeviceRecord } from '../domain/device.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import { writeDeviceLines } from './device_lines.js';
import { FlowTable } from './flow_table.js';
import { incidentLineText, readIncidentLines } from './incident_lines.js';
import { writeIncidentTables } from './incident_tables.js';
import { outputFailed } from './output_error.js';
import { OutputFile } from './output_file.js';
import {
  DATABASE_FILE,
  DEVICES_FILE,
  INCIDENTS_FILE,
  runsDirectory,
  STORE_SCHEMA_VERSION,
} from './run_files.js';
import { claimRunId } from './run_id.js';
import { writeRunRecord, type RunRecord } from './run_record.js';

export interface RunStoreOptions {
  readonly stateDirectory: string;
  readonly engineVersion: string;
  readonly sources: readonly string[];
  /** Keep flows as well; needs DuckDB. */
  readonly keepFlows: boolean;
  /** Keep the inventory of devices as well. */
  readonly keepDevices: boolean;
}

/**
 * Keeps one run in the state directory, in the files that run_files.ts describes. What has been
 * found is on the disk as soon as it is known; flows follow in chunks, by a thread of their own.
 */
export class RunStore implements RecordSink {
  readonly wantsFlows: boolean;
  readonly wantsEvents = false;
  readonly wantsDevices: boolean;
  readonly #directory: string;
  readonly #lines: OutputFile;
  readonly #flows: FlowTable | null;
  readonly #opened = new Set<string>();
  #record: RunRecord;

  private constructor(directory: string, record: RunRecord, outputs: Outputs) {
    this.#directory = directory;
    this.#record = record;
    this.#lines = outputs.lines;
    this.#flows = outputs.flows;
    this.wantsFlows = outputs.flows !== null;
    this.wantsDevices = outputs.keepDevices;
  }

  /**
   * Begins a new run.
   * @throws ThymusError OUTPUT_FAILED when the state directory cannot be written, STORE_UNAVAILABLE
   *   when flows are to be kept and DuckDB is not installed
   */
  static async create(options: RunStoreOptions): Promise<RunStore> {
    const runs = runsDirectory(options.stateDirectory);
    makeDirectory(runs);
    const now = new Date();
    const id = claimRunId(runs, now);
    const directory = join(runs, id);
    const record: RunRecord = {
      schemaVersion: STORE_SCHEMA_VERSION,
      id,
      engineVersion: options.engineVersion,
      startedAt: now.toISOString(),
      endedAt: null,
      sources: options.sources,
      flowsKept: options.keepFlows,
      summary: null,
    };
    try {
      writeRunRecord(directory, record);
      return new RunStore(directory, record, await openOutputs(directory, options));
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** First part of RUN/INCIDENT. */
  get runId(): string {
    return this.#record.id;
  }

  onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#flows?.add(row, detail);
  }

  onEvent(): void {}

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    this.#lines.writeText(incidentLineText({ incident }));
    this.#lines.flush();
    if (change === 'opened') {
      this.#opened.add(incident.id);
      return;
    }
    this.#opened.delete(incident.id);
  }

  onDevices(devices: readonly DeviceRecord[]): void {
    writeDeviceLines(join(this.#directory, DEVICES_FILE), devices);
  }

  onCaptureError(): void {}

  /** The run is whole: incidents that have no last state were merged into others. */
  onSummary(summary: RunSummary): void {
    for (const dropped of this.#opened) this.#lines.writeText(incidentLineText({ dropped }));
    this.#record = { ...this.#record, summary };
  }

  pressure(): Promise<void> | null {
    return this.#flows?.pressure() ?? null;
  }

  async end(): Promise<void> {
    try {
      this.#lines.close();
    } finally {
      if (this.#flows !== null) await this.#endFlows(this.#flows);
    }
    writeRunRecord(this.#directory, { ...this.#record, endedAt: new Date().toISOString() });
  }

  async #endFlows(flows: FlowTable): Promise<void> {
    try {
      const incidents = await readIncidentLines(join(this.#directory, INCIDENTS_FILE));
      await writeIncidentTables(flows, incidents);
    } finally {
      await flows.close();
    }
  }
}

interface Outputs {
  readonly lines: OutputFile;
  readonly flows: FlowTable | null;
  readonly keepDevices: boolean;
}

async function openOutputs(
  directory: string,
  { keepFlows, keepDevices }: RunStoreOptions,
): Promise<Outputs> {
  const lines = new OutputFile(join(directory, INCIDENTS_FILE));
  if (!keepFlows) return { lines, flows: null, keepDevices };
  const path = join(directory, DATABASE_FILE);
  const flows = await FlowTable.create({ path, wanted: '--store flows' });
  return { lines, flows, keepDevices };
}

function makeDirectory(path: string): void {
  try {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw outputFailed(path, error);
  }
}
