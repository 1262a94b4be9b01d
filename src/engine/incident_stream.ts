import type { Alarm, Incident } from '../domain/incident.js';
import { compareOrder, type Order } from '../domain/order.js';
import { endOfLearning } from '../domain/learned_state.js';
import { StateWriter } from '../domain/state_writer.js';
import type { IncidentBook } from '../fusion/incident_book.js';
import { AlarmMerger, RUN_END } from './alarm_merger.js';

/** The alarms of all shards in their total order, and the incidents that come of them. */
export class IncidentStream {
  readonly #merger: AlarmMerger;
  readonly #book: IncidentBook;
  readonly #tellsGrowth: boolean;
  #opened = 0;
  #wake: (() => void) | null = null;
  /** From when on alarms are those of the end of the run, and the book as it was before them. */
  #endUs = -Infinity;
  #bookBeforeEnd: Uint8Array | null = null;

  /** @param tellsGrowth whether somebody wants to hear of incidents that grow */
  constructor(shards: number, book: IncidentBook, tellsGrowth = false) {
    this.#merger = new AlarmMerger(shards);
    this.#book = book;
    this.#tellsGrowth = tellsGrowth;
  }

  /** Takes what a shard said. */
  advance(shard: number, alarms: readonly Alarm[], watermark: Order): void {
    this.#merger.advance(shard, alarms, watermark);
    this.#wake?.();
    this.#wake = null;
  }

  /** A shard has ended, and learned until then; before its last alarms are taken. */
  endLearning(untilUs: number): void {
    this.#endUs = Math.max(this.#endUs, endOfLearning(untilUs));
  }

  /** What can go on in the next run: without what the end of this one said. */
  save(): Uint8Array {
    return this.#bookBeforeEnd ?? this.#saveBook();
  }

  /** Nothing more will come from a shard, whether it came to its end or failed. */
  end(shard: number): void {
    this.advance(shard, [], RUN_END);
  }

  /** All alarms before this moment are known. */
  get safe(): Order {
    return this.#merger.safe;
  }

  /** Time of the earliest alarm that was not taken yet; Infinity when there is none. */
  get nextUs(): number {
    return this.#merger.nextUs;
  }

  /** True when every shard has ended. */
  get complete(): boolean {
    return compareOrder(this.safe, RUN_END) === 0;
  }

  /** How many incidents were opened so far. */
  get opened(): number {
    return this.#opened;
  }

  /** Settles when a shard says something next. */
  moved(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** What alarms before `limit` open or let grow, in order. REQUIRES: limit is not after `safe`. */
  changesBefore(limit: Order): readonly ChangedIncident[] {
    const alarms = this.#merger.take(limit);
    if (alarms.length === 0) return NO_CHANGES;
    const changes = alarms.flatMap((alarm) => this.#add(alarm) ?? []);
    this.#opened += changes.filter(({ change }) => change === 'opened').length;
    return changes;
  }

  /** Those that can no longer grow, each once. */
  takeFinished(): readonly Incident[] {
    const nowUs = this.safe.timeUs;
    return nowUs < Infinity ? this.#book.takeFinished(nowUs) : NONE;
  }

  /** All other incidents in their last state. REQUIRES: complete, all taken. */
  finish(): readonly Incident[] {
    return this.#book.finish();
  }

  #add(alarm: Alarm): ChangedIncident | null {
    const isOfEnd = alarm.order.timeUs > this.#endUs && this.#endUs > 0;
    if (isOfEnd) this.#bookBeforeEnd ??= this.#saveBook();
    const opened = this.#book.add(alarm);
    if (opened !== null) return { incident: opened, change: 'opened' };
    const grown = this.#tellsGrowth ? this.#book.takeGrown() : null;
    return grown === null ? null : { incident: grown, change: 'grew' };
  }

  #saveBook(): Uint8Array {
    const out = new StateWriter();
    this.#book.save(out);
    return out.take();
  }
}

const NONE: readonly Incident[] = [];
const NO_CHANGES: readonly ChangedIncident[] = [];

export interface ChangedIncident {
  readonly incident: Incident;
  readonly change: 'opened' | 'grew';
}
