import type { FlowRowView } from '../batch/generated/record_layout.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import { flowRecord, type FlowRecord } from './flow_record.js';

/** What a replay gives when flows were asked for. */
export type ReplayItem =
  | { readonly kind: 'flow'; readonly flow: FlowRecord }
  | { readonly kind: 'incident'; readonly incident: Incident };

/** Items from which on the run is held back until the reader has caught up. */
const HIGH_WATER = 4096;

/** Hands what a run publishes to one reader that takes it item by item. */
export class ItemQueue implements RecordSink {
  readonly wantsFlows: boolean;
  readonly wantsEvents = false;
  #items: ReplayItem[] = [];
  #taken = 0;
  #ended = false;
  #discards = false;
  #wakeReader: (() => void) | null = null;
  #wakeRun: (() => void) | null = null;

  constructor(wantsFlows: boolean) {
    this.wantsFlows = wantsFlows;
  }

  /** The next item, or null when there will be none. One reader at a time. */
  async next(): Promise<ReplayItem | null> {
    while (this.#taken === this.#items.length) {
      this.#items = [];
      this.#taken = 0;
      this.#wakeRun?.();
      if (this.#ended) return null;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
    return this.#items[this.#taken++]!;
  }

  /** The reader has gone: what is still to come is thrown away. */
  discard(): void {
    this.#discards = true;
    this.#items = [];
    this.#taken = 0;
    this.#wakeRun?.();
  }

  onFlow(row: FlowRowView): void {
    this.#push({ kind: 'flow', flow: flowRecord(row) });
  }

  onEvent(): void {}

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    if (change === 'final') this.#push({ kind: 'incident', incident });
  }

  onCaptureError(): void {}

  onSummary(): void {}

  pressure(): Promise<void> | null {
    if (this.#items.length - this.#taken < HIGH_WATER) return null;
    return new Promise((resolve) => (this.#wakeRun = resolve));
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#wakeReader?.();
    await Promise.resolve();
  }

  #push(item: ReplayItem): void {
    if (this.#discards) return;
    this.#items.push(item);
    this.#wakeReader?.();
  }
}
