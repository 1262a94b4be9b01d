import type * as duckDbModule from '@duckdb/node-api';
import type { DuckDBInstance } from '@duckdb/node-api';

import { ThymusError } from '../errors.js';

type DuckDb = typeof duckDbModule;

/** Bounded, one thread, and never a look at the network: extensions are not fetched. */
const SETTINGS: Readonly<Record<string, string>> = {
  threads: '1',
  memory_limit: '512MB',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};

/**
 * The embedded database, loaded when it is first needed: it is an optional dependency, and a run
 * that keeps no flows works without it.
 * @param wanted what needs it, as the start of the sentence for the user
 * @throws ThymusError STORE_UNAVAILABLE
 */
export async function loadDuckDb(wanted: string): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new ThymusError(
      'STORE_UNAVAILABLE',
      `${wanted} needs the package @duckdb/node-api, which is not installed here: ` +
        `run 'npm install' on a system that it supports, or do without.`,
      { cause },
    );
  }
}

export async function openDatabase(duckDb: DuckDb, path: string): Promise<DuckDBInstance> {
  return duckDb.DuckDBInstance.create(path, { ...SETTINGS });
}
