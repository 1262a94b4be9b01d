import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { RunSummary } from '../domain/run.js';
import { outputFailed } from './output_error.js';
import { RUN_FILE, STORE_SCHEMA_VERSION } from './run_files.js';

/** What a run says about itself, in run.json. */
export interface RunRecord {
  readonly schemaVersion: number;
  readonly id: string;
  readonly engineVersion: string;
  /** Wall time, ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Null while the run lives, and for ever when it was killed. */
  readonly endedAt: string | null;
  readonly sources: readonly string[];
  readonly flowsKept: boolean;
  /** Null until the run has ended, and when it failed. */
  readonly summary: RunSummary | null;
}

/**
 * Puts the record into its directory in one step, so that a reader sees the old one or the new one.
 * @throws ThymusError OUTPUT_FAILED
 */
export function writeRunRecord(directory: string, record: RunRecord): void {
  const path = join(directory, RUN_FILE);
  const draft = `${path}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    throw outputFailed(path, error);
  }
}

/** Null when there is none, when it is damaged, or when a newer version wrote it. */
export function readRunRecord(directory: string): RunRecord | null {
  try {
    const record: unknown = JSON.parse(readFileSync(join(directory, RUN_FILE), 'utf8'));
    return isRunRecord(record) && record.schemaVersion <= STORE_SCHEMA_VERSION ? record : null;
  } catch {
    return null;
  }
}

function isRunRecord(value: unknown): value is RunRecord {
  const record = value as Partial<RunRecord> | null;
  return (
    typeof record === 'object' &&
    typeof record?.schemaVersion === 'number' &&
    typeof record.id === 'string' &&
    typeof record.startedAt === 'string' &&
    Array.isArray(record.sources)
  );
}
