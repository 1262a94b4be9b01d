import type { Incident } from './domain/incident.js';
import { replayIncidents, replayItems, type ReplayOptions } from './engine/embedded_replay.js';
import type { ReplayItem } from './engine/item_queue.js';

export type { EntityRef } from './domain/entity.js';
export type { Evidence, FeatureShare, Stage } from './domain/evidence.js';
export type { FlowRef } from './domain/flow.js';
export type { Incident, Severity } from './domain/incident.js';
export type { RunSummary, SourceReport } from './domain/run.js';
export type { ReplayOptions } from './engine/embedded_replay.js';
export type { FlowRecord } from './engine/flow_record.js';
export type { ReplayItem } from './engine/item_queue.js';
export { ThymusError, type ErrorCode } from './errors.js';

/**
 * Replays captures and gives the incidents in them, each once and in its last state, in the order
 * in which they were opened. With `flows: true` it gives every flow as well, when it has ended.
 * Packet time is the only clock, so the same files give the same items on every run. Leaving the
 * loop early ends the run; a slow loop holds it back.
 *
 * @param files pcap or pcapng, also with gzip or zstd; read as one stream in time order; "-" is
 *   standard input
 * @throws ThymusError from the loop: USAGE for a wrong option; UNREADABLE_INPUT after the last item
 *   when a file could not be read; ADDON_MISSING when the native core is not built
 * @example
 * for await (const incident of replay(['office.pcap'])) {
 *   console.log(incident.summary, incident.confidence);
 * }
 * @example
 * for await (const item of replay(['office.pcap'], { flows: true })) {
 *   if (item.kind === 'flow') console.log(item.flow.communityId, item.flow.app);
 * }
 */
export function replay(
  files: readonly string[],
  options: ReplayOptions & { readonly flows: true },
): AsyncGenerator<ReplayItem, void, undefined>;
export function replay(
  files: readonly string[],
  options?: ReplayOptions & { readonly flows?: false },
): AsyncGenerator<Incident, void, undefined>;
export function replay(
  files: readonly string[],
  options: ReplayOptions = {},
): AsyncGenerator<ReplayItem | Incident, void, undefined> {
  return options.flows === true ? replayItems(files, options) : replayIncidents(files, options);
}
