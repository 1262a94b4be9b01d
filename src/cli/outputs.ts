import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ProposalsOf } from '../api/text_report.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Settings } from '../config/settings.js';
import { ThymusError } from '../errors.js';
import { outputFailed } from '../store/output_error.js';
import { complain } from './console.js';
import type { ReplayFlags } from './flags.js';
import { stateDirectory } from './state_directory.js';
import { engineVersion } from './version.js';

/** What one run writes to, as its flags ask. */
export interface Outputs {
  readonly sinks: readonly RecordSink[];
  /** First part of RUN/INCIDENT; null when the run is not kept. */
  readonly runId: string | null;
  /** Opens the EVE file anew, which somebody has moved away. */
  reopen(): void;
}

export interface OutputFlags extends Pick<
  ReplayFlags,
  'each' | 'eve' | 'eveDir' | 'flows' | 'verdicts'
> {
  /** Somebody reads along. */
  readonly isLive?: boolean;
  /** What a dry run would have proposed about an incident. */
  readonly proposalsOf?: ProposalsOf;
}

/**
 * Opens the outputs of one run; each writer is loaded only where it is wanted.
 * @param position of the run in the command, which names its file in `--eve-dir`
 * @throws ThymusError OUTPUT_FAILED, USAGE, STORE_UNAVAILABLE; what was opened is closed then
 */
export async function openOutputs(
  files: readonly string[],
  position: number,
  flags: OutputFlags,
  settings: Settings,
): Promise<Outputs> {
  const sinks: RecordSink[] = [];
  let eveFile: { reopen(): void } | null = null;
  try {
    const eve = flags.eveDir === undefined ? flags.eve : evePath(flags.eveDir, position);
    if (eve !== undefined) {
      const { EveFile } = await import('../api/eve.js');
      const { isLive = false, proposalsOf } = flags;
      const file = new EveFile(eve, { isLive, ...(proposalsOf ? { proposalsOf } : {}) });
      eveFile = file;
      sinks.push(file);
    }
    if (flags.flows !== undefined) {
      const { openFlowsFile } = await import('../api/flows_file.js');
      sinks.push(await openFlowsFile(flags.flows));
    }
    const store = flags.each ? null : await openStore(files, settings);
    if (store !== null) sinks.push(store);
    if (flags.verdicts !== undefined && verdictSocketOf(flags) === null) {
      const { VerdictFile } = await import('../api/verdict_file.js');
      const options = { engineVersion: engineVersion(), sources: files };
      sinks.push(new VerdictFile(flags.verdicts, options));
    }
    return { sinks, runId: store?.runId ?? null, reopen: () => eveFile?.reopen() };
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.end()));
    throw error;
  }
}

/**
 * @returns the path of `--verdicts unix:PATH`; null where that was not given
 * @throws ThymusError USAGE when nobody could read along
 */
export function verdictSocketOf(flags: OutputFlags): string | null {
  const path = /^unix:(.+)$/.exec(flags.verdicts ?? '')?.[1];
  if (path === undefined) return null;
  if (flags.isLive) return path;
  const message = "'--verdicts unix:PATH' is for watch: give a replay the name of a file.";
  throw new ThymusError('USAGE', message);
}

function evePath(directory: string, position: number): string {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw outputFailed(directory, error);
  }
  return join(directory, `${position}.eve.json`);
}

type Store = RecordSink & { readonly runId: string };

/** A run that nobody asked to keep goes on without a store when there is no place for one. */
async function openStore(files: readonly string[], settings: Settings): Promise<Store | null> {
  if (settings.store === 'none') return null;
  const { RunStore } = await import('../store/run_store.js');
  try {
    return await RunStore.create({
      stateDirectory: stateDirectory(settings),
      engineVersion: engineVersion(),
      sources: files,
      keepFlows: settings.store === 'flows',
      keepDevices: settings.store === 'flows' || settings.store === 'devices',
    });
  } catch (error) {
    const isAsked = settings.state !== null || settings.store !== 'incidents';
    if (isAsked || !(error instanceof ThymusError)) throw error;
    complain(`thymus: ${error.message} This run is not kept.\n`);
    return null;
  }
}
