import { homedir } from 'node:os';
import { join } from 'node:path';

/*
 * The state directory. Runs are kept until someone deletes their directory.
 *
 *   STATE/runs/RUN/run.json          what the run was: written at its start, replaced at its end
 *   STATE/runs/RUN/incidents.jsonl   one incident a line; a later line of one id replaces an earlier
 *   STATE/runs/RUN/devices.jsonl     with `--store devices` or `flows`: one device a line
 *   STATE/runs/RUN/run.duckdb        with `--store flows`: tables flows, incidents, evidence,
 *                                    features, evidence_flows
 *   STATE/live/PID.sock              while a live run goes on: where it says how it stands
 *   STATE/grpc/thymus.sock           with `--grpc unix`: where it serves its programming interface
 *   STATE/stream/SOURCES/            what its stream has said; frame_segments.ts describes it
 *
 * Incidents are few and wanted everywhere, so they are lines of JSON: they need no database to be
 * read, a run that was killed leaves every line it finished, and a torn last line is left out. Flows
 * are many and wanted for questions, so they go into an embedded database, which at the end gets the
 * incidents too. Each run has its own files, so runs never wait for each other, and a run is deleted
 * by deleting its directory.
 */

/** Raised when older versions could misread what this one writes. */
export const STORE_SCHEMA_VERSION = 1;

export const RUN_FILE = 'run.json';
export const INCIDENTS_FILE = 'incidents.jsonl';
export const DEVICES_FILE = 'devices.jsonl';
export const DATABASE_FILE = 'run.duckdb';

/** `$XDG_STATE_HOME/thymus`, or `~/.local/state/thymus`. */
export function defaultStateDirectory(environment: NodeJS.ProcessEnv): string {
  const base = environment.XDG_STATE_HOME;
  // The XDG specification says to ignore paths that are not absolute.
  const state = base?.startsWith('/') ? base : join(homedir(), '.local', 'state');
  return join(state, 'thymus');
}

/** Where each live run answers `thymus stats`, on a socket of its process's number. */
export function socketsDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'live');
}

/** Where `--grpc unix` answers. */
export function grpcSocket(stateDirectory: string): string {
  return join(stateDirectory, 'grpc', 'thymus.sock');
}

/** @param sources which interfaces the stream is about, as one name */
export function streamDirectory(stateDirectory: string, sources: string): string {
  return join(stateDirectory, 'stream', sources);
}

export function runsDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'runs');
}
