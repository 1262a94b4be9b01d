import { loadSettings } from '../config/load.js';
import type { SettingName } from '../config/settings.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import { ThymusError } from '../errors.js';
import { ItemQueue, type ReplayItem } from './item_queue.js';
import { Pipeline, pipelineOptions } from './pipeline.js';

export interface ReplayOptions {
  /** Give each flow when it has ended, too. Default false. */
  readonly flows?: boolean;
  /** What is internal, as address prefixes. Default: the private and link-local ranges. */
  readonly homeNet?: readonly string[];
  /** Hosts that may search the network, as address prefixes. Default: none. */
  readonly scanners?: readonly string[];
  /** False incidents per day per 1,000 devices that are accepted, 0.001 to 1000. Default 1. */
  readonly budget?: number;
  /** Threads that read packets, 1 to 64. Default 1. Never changes the result. */
  readonly lanes?: number;
  /** Threads that judge entities, 1 to 64. Default 1. Never changes the result. */
  readonly shards?: number;
  /** Packets with a bad checksum: count and accept them (default), or keep them out of flows. */
  readonly checksums?: 'accept' | 'strict';
  /** Called once, when the run is over and before the last item is asked for. */
  readonly onSummary?: (summary: RunSummary) => void;
}

/** Everything a run gives, item by item; leaving the loop early ends the run. */
export async function* replayItems(
  files: readonly string[],
  options: ReplayOptions,
): AsyncGenerator<ReplayItem, void, undefined> {
  const pipeline = await createPipeline(options);
  const queue = new ItemQueue(options.flows === true);
  const run = pipeline.run(files, [queue]);
  // It is awaited below; a failure before that must not count as unhandled.
  run.catch(() => undefined);
  try {
    for (let item = await queue.next(); item !== null; item = await queue.next()) yield item;
    const summary = await run;
    options.onSummary?.(summary);
    refuseUnreadable(summary);
  } finally {
    pipeline.stop();
    queue.discard();
    await run.catch(() => undefined);
    await pipeline.close();
  }
}

/** The incidents of a run alone. */
export async function* replayIncidents(
  files: readonly string[],
  options: ReplayOptions,
): AsyncGenerator<Incident, void, undefined> {
  for await (const item of replayItems(files, options)) {
    if (item.kind === 'incident') yield item.incident;
  }
}

async function createPipeline(options: ReplayOptions): Promise<Pipeline> {
  const { homeNet, scanners, budget, lanes, shards, checksums } = options;
  const given: Partial<Record<SettingName, unknown>> = {
    'home-net': homeNet,
    scanners,
    budget,
    lanes,
    shards,
    checksums,
  };
  const settings = await loadSettings(given, null);
  return new Pipeline(pipelineOptions(settings));
}

function refuseUnreadable({ sources }: RunSummary): void {
  const bad = sources.find(({ kind }) => kind === 'unreadable' || kind === 'not_a_capture');
  if (bad === undefined) return;
  throw new ThymusError('UNREADABLE_INPUT', bad.error ?? `'${bad.path}' cannot be read.`);
}
