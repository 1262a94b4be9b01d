import { formatAddress } from '../../src/batch/address.js';
import { BatchView, Item } from '../../src/batch/batch_view.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  type FlowRowView,
} from '../../src/batch/generated/record_layout.js';
import { loadSettings } from '../../src/config/load.js';
import { judgedEvents } from '../../src/detectors/index.js';
import { compareAlarms, type Alarm, type Incident } from '../../src/domain/incident.js';
import { shiftFor, type LearnedState } from '../../src/domain/learned_state.js';
import { DRAIN_BUFFER_BYTES, NativeQueue } from '../../src/engine/batch_source.js';
import { openRun } from '../../src/engine/binding.js';
import { pipelineOptions } from '../../src/engine/pipeline.js';
import { ShardPipeline } from '../../src/engine/shard_pipeline.js';
import { joinShardStates } from '../../src/engine/shard_state.js';
import type { TickWealth } from '../../src/fusion/fusion.js';
import { IncidentBook } from '../../src/fusion/incident_book.js';
import type { EndedFlow } from '../baselines/baseline.js';

const TCP = 6;
const WEEK_US = 7 * 86_400e6;

export interface EngineRun {
  readonly incidents: readonly Incident[];
  /** In the order of their last packets: nobody waits for a time-out here. */
  readonly flows: readonly EndedFlow[];
  readonly records: number;
  /** What it knows at the end; null when it was not asked for it. */
  readonly learned: LearnedState | null;
}

export interface EngineRunOptions {
  /** What was learned before; moved back by whole weeks, so that its wealth and alarms are gone. */
  readonly history?: LearnedState | null;
  /** Gives `learned`; default false. */
  readonly keepsState?: boolean;
  readonly onTick?: (tick: number, entities: readonly TickWealth[]) => void;
}

/**
 * Runs a capture through the whole engine in this thread, one lane and one shard, which changes
 * nothing of its result.
 */
export async function runEngine(
  path: string,
  { history = null, keepsState = false, onTick }: EngineRunOptions = {},
): Promise<EngineRun> {
  const options = pipelineOptions(await loadSettings({ lanes: 1, shards: 1 }, null));
  const native = openRun({
    ...options,
    sources: [path],
    live: null,
    shards: 1,
    publish: false,
    ...judgedEvents(),
  });
  const alarms: Alarm[] = [];
  const pipeline = new ShardPipeline(
    { shard: 0, shards: 1, keepsState, ...(onTick === undefined ? {} : { onTick }) },
    { alarm: (alarm) => alarms.push(alarm) },
  );
  const flows: EndedFlow[] = [];
  let isRestored = history === null;
  try {
    const queue = new NativeQueue(native, 0);
    const buffer = new Uint8Array(DRAIN_BUFFER_BYTES);
    const view = new BatchView(buffer);
    for (let n = queue.read(buffer, 50); n >= 0; n = queue.read(buffer, 50)) {
      if (n > 0 && !isRestored) {
        pipeline.restore(history!, weeksBefore(history!, native.stats().firstPacketTimeUs));
        isRestored = true;
      }
      for (let offset = 0; offset < n;) {
        const next = view.open(offset, n);
        pipeline.process(view);
        view.open(offset, n);
        keepEnded(view, flows);
        offset = next;
      }
    }
    pipeline.finish();
    const failed = native.stats().sources.find(({ error }) => error !== null);
    if (failed !== undefined) throw new Error(`${failed.path}: ${failed.error}`);
  } finally {
    native.close();
  }
  const book = new IncidentBook();
  for (const alarm of alarms.sort(compareAlarms)) book.add(alarm);
  flows.sort((a, b) => a.endUs - b.endUs);
  const learned = keepsState ? joinShardStates([pipeline.finalState()]) : null;
  return { incidents: book.finish(), flows, records: pipeline.stats.records, learned };
}

/** At least one: it is the history of an earlier week. */
function weeksBefore(history: LearnedState, firstUs: number): number {
  return Math.min(shiftFor(history, firstUs), -WEEK_US);
}

/** The flows that end in the batch that was just opened. */
function keepEnded(view: BatchView, flows: EndedFlow[]): void {
  for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
    if (kind === Item.FLOW && view.row.event & FlowEvents.END) flows.push(endedFlow(view.row));
  }
}

function endedFlow(row: FlowRowView): EndedFlow {
  const isOutbound =
    (row.roles & FlowRoles.ORIGINATOR_INTERNAL) !== 0 &&
    (row.roles & FlowRoles.RESPONDER_INTERNAL) === 0;
  const answered = (row.flags & FlowFlags.BOTH_DIRECTIONS) !== 0;
  return {
    startUs: row.tsFirstUs,
    endUs: row.tsLastUs,
    originator: formatAddress(row.origAddr, 0),
    responder: formatAddress(row.respAddr, 0),
    protocol: row.protocol,
    responderPort: row.respPort,
    originatorBytes: row.origBytes,
    responderBytes: row.respBytes,
    originatorPackets: row.origPackets,
    isEstablished: answered && (row.protocol !== TCP || row.respSynAcks > 0),
    isOutbound,
  };
}
