import type { DeviceRecord } from '../domain/device.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary, SourceReport } from '../domain/run.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { EventRowView, FlowRowView } from './generated/record_layout.js';

export type IncidentChange = 'opened' | 'grew' | 'final';

/** A section of the model that a sink writes and reads itself. */
export interface SinkMemory {
  /** Name of the section, unique. */
  readonly name: string;
  save(out: StateWriter): void;
  /** Before the first record. @throws ThymusError MODEL_INVALID */
  restore(from: StateReader): void;
}

/**
 * Where a run publishes to: EVE, verdicts, flow files, the store, a program that embeds thymus.
 *
 * All calls come from one thread, in the total order of the run (domain/order.ts), the same for any
 * number of lanes and shards: first records with the incidents opened among them, then every
 * incident in its last state, then capture errors, then the summary, then `end`. A live run says the
 * last state of an incident when it has been quiet for six hours. Calls are synchronous. Views and bytes are borrowed: they are valid during the call only.
 *
 * A sink keeps a bounded amount in memory. When it has to wait for its output it says so through
 * `pressure`; the run then reads no further until the promise settles. A sink throws (or rejects
 * with) a ThymusError OUTPUT_FAILED when its output fails; that ends the run.
 */
export interface RecordSink {
  /** True when it wants `onFlow`; without any such sink the core makes no published records. */
  readonly wantsFlows: boolean;
  /** True when it wants `onEvent`. */
  readonly wantsEvents: boolean;

  /** True when it wants `onDevices`; absent: it does not. */
  readonly wantsDevices?: boolean;

  /** True when it wants incidents that `grew`; absent: it does not. */
  readonly wantsGrowth?: boolean;

  /** What it learns and the next run should know; absent: nothing. */
  readonly memory?: SinkMemory;

  /** A flow ended: its record with totals. `detail` holds the fields of `flow_detail`, maybe none. */
  onFlow(row: FlowRowView, detail: Uint8Array): void;

  /** An event of native/emit/events/; `body` holds its fields. Sketches are never published. */
  onEvent(row: EventRowView, body: Uint8Array): void;

  /**
   * An incident, twice: `opened` as a live run would have said it at that moment, `final` with all
   * that was learned later. An incident that was merged into another one has no `final`. A sink that
   * `wantsGrowth` hears of it in between, too: with evidence that is new, once a tick at most.
   */
  onIncident(incident: Incident, change: IncidentChange): void;

  /** All devices that were there, once, before the summary; a run that fails gives none. */
  onDevices?(devices: readonly DeviceRecord[]): void;

  /** A capture that could not be read, or not to its end. */
  onCaptureError(source: SourceReport, atUs: number): void;

  /** Once, when all else has been given. */
  onSummary(summary: RunSummary): void;

  /** Null, or a promise that settles when the sink can take more. Asked between batches. */
  pressure(): Promise<void> | null;

  /** Writes what is left and closes. Called once, also after a failed or interrupted run. */
  end(): Promise<void>;
}
