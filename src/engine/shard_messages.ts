import type { MessagePort } from 'node:worker_threads';
import type { Alarm } from '../domain/incident.js';
import type { LearnedState } from '../domain/learned_state.js';
import type { Order } from '../domain/order.js';
import type { ErrorCode } from '../errors.js';
import type { ShardPipelineStats } from './shard_pipeline.js';
import type { ShardState } from './shard_state.js';
import type { TickSeat } from './tick_channel.js';

/** What a shard judges with. */
export interface JudgeOptions extends Budget {
  /** Hosts that may search the network, as address prefixes. */
  readonly scanners: readonly string[];
}

/** The one threshold. */
export interface Budget {
  /** False incidents per day per 1,000 devices. */
  readonly falseIncidentsPerDayPer1000: number;
}

/** The one long task of a shard's worker: one run. */
export interface ShardTask {
  readonly handle: number;
  readonly shard: number;
  readonly shards: number;
  readonly lanes: number;
  readonly judge: JudgeOptions;
  readonly seat: TickSeat;
  readonly port: MessagePort;
  readonly measureCost: boolean;
  /** The clock of packets is that of the wall. */
  readonly isLive: boolean;
  /** What to go on from; null: nothing. */
  readonly model: LearnedState | null;
  /** Give back what was learned when the run is over. */
  readonly keepsModel: boolean;
}

/** Asks a shard for what it has learned, at the end of the tick under way. */
export const SAVE = 'save';

/** Sent to the main thread after each drained buffer. */
export interface ShardMessage {
  readonly alarms: readonly Alarm[];
  /** Later alarms of this shard do not come before it. */
  readonly watermark: Order;
  /** Live: how long the oldest record of each buffer had taken, microseconds. */
  readonly lagsUs: readonly number[];
  /** Live: now and then. */
  readonly status: ShardStatus | null;
  /** What it has learned, when it was asked for it, and with its last message when the run keeps it. */
  readonly state: ShardState | null;
}

/** Where a shard stands. */
export interface ShardStatus extends ShardPipelineStats {
  readonly cost: ShardCost | null;
  readonly heapBytes: number;
}

/** What a task returns. Errors travel as values: a clone of an Error loses its class and code. */
export interface ShardReport {
  readonly entities: number;
  readonly cost: ShardCost | null;
  /** What the thread's heap takes from the system after the run. */
  readonly heapBytes: number;
  readonly failure: ShardFailure | null;
}

export interface ShardFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack: string;
  /** True when it failed only because another shard had. */
  readonly isEcho: boolean;
}

/** What judging cost: goes to metrics, never to an output. */
export interface ShardCost {
  readonly records: number;
  /** Nanoseconds per record, over drained buffers. */
  readonly ns: { readonly p50: number; readonly p99: number; readonly most: number };
}
