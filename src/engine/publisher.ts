import { setTimeout as sleep } from 'node:timers/promises';
import { BatchView, Item } from '../batch/batch_view.js';
import type { RecordSink } from '../batch/record_sink.js';
import { compareOrder, type Order } from '../domain/order.js';
import { DRAIN_BUFFER_BYTES, nextTurn, type BatchSource } from './batch_source.js';
import type { IncidentStream } from './incident_stream.js';
import { Inventory } from './inventory.js';
import { SubscriberJoin } from './subscriber_join.js';

/** How long an empty queue is left alone. */
const IDLE_MS = 2;
/**
 * Blocks the main thread while an incident waits for records that could come before it: only a
 * reader that waits is told that there are none.
 */
const WATERMARK_MS = 1;
const NO_RECORDS: Order = { timeUs: -Infinity, index: 0, sub: 0 };
const NO_TUNNEL = 0;

export interface PublisherOptions {
  /** The publish queue; null when no sink wants records. */
  readonly source: BatchSource | null;
  /** Say the last state of an incident as soon as it can no longer grow, and forget it. */
  readonly isLive: boolean;
}

/**
 * Gives the published records of a run, with the incidents among them, to its sinks in the total
 * order. A record is given only when every alarm before it is known; until then the queue holds
 * the core back, so nothing piles up here.
 */
export class Publisher {
  readonly #source: BatchSource | null;
  readonly #isLive: boolean;
  readonly #incidents: IncidentStream;
  readonly #sinks: readonly RecordSink[];
  readonly #flowSinks: readonly RecordSink[];
  readonly #eventSinks: readonly RecordSink[];
  readonly #subscribers = new SubscriberJoin();
  /** Null when no sink wants devices. */
  readonly inventory: Inventory | null;
  readonly #buffer: Uint8Array;
  readonly #view: BatchView;
  /** All records before it have been given. */
  #given = NO_RECORDS;

  constructor(
    { source, isLive }: PublisherOptions,
    incidents: IncidentStream,
    sinks: readonly RecordSink[],
  ) {
    this.#source = source;
    this.#isLive = isLive;
    this.#incidents = incidents;
    this.#sinks = sinks;
    this.#flowSinks = sinks.filter((sink) => sink.wantsFlows);
    this.#eventSinks = sinks.filter((sink) => sink.wantsEvents);
    this.inventory = sinks.some((sink) => sink.wantsDevices === true) ? new Inventory() : null;
    this.#buffer = new Uint8Array(source === null ? 0 : DRAIN_BUFFER_BYTES);
    this.#view = new BatchView(this.#buffer);
  }

  /** What became of subscribers' sessions. */
  get subscribers(): SubscriberJoin['stats'] {
    return this.#subscribers.stats;
  }

  /**
   * Settles when all records and all incidents were given.
   * @param begin called when there are records, before the first is given
   */
  async run(begin: () => void): Promise<void> {
    if (this.#source !== null) await this.#publishQueue(this.#source, begin);
    while (!this.#incidents.complete) {
      this.#giveIncidents(this.#incidents.safe);
      await this.#incidents.moved();
    }
    this.#giveIncidents(this.#incidents.safe);
  }

  async #publishQueue(source: BatchSource, begin: () => void): Promise<void> {
    let hasBegun = false;
    for (;;) {
      const waits = this.#incidents.nextUs < Infinity;
      if (waits) this.#giveIncidents(earlier(this.#given, this.#incidents.safe));
      const bytes = source.read(this.#buffer, waits ? WATERMARK_MS : 0);
      if (bytes < 0) return;
      if (bytes > 0 && !hasBegun) {
        hasBegun = true;
        begin();
      }
      if (bytes === 0) await sleep(IDLE_MS);
      else await this.#publishBuffer(bytes);
    }
  }

  async #publishBuffer(bytes: number): Promise<void> {
    const view = this.#view;
    for (let offset = 0; offset < bytes;) {
      offset = view.open(offset, bytes);
      for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
        const item = kind === Item.FLOW ? view.row : view.event;
        while (!this.#isSafe(item)) await this.#incidents.moved();
        this.#giveIncidentsUpTo(item);
        if (kind === Item.FLOW) this.#giveFlow();
        else this.#giveEvent();
      }
      const { watermarkUs: timeUs, watermarkIndex: index } = view.header;
      this.#given = { timeUs, index, sub: 0 };
    }
    await nextTurn();
    for (const sink of this.#sinks) await sink.pressure();
  }

  #isSafe(item: Keys): boolean {
    const { timeUs, index } = this.#incidents.safe;
    return item.timeUs < timeUs || (item.timeUs === timeUs && item.orderIndex < index);
  }

  #giveFlow(): void {
    const { row, bytes, detailAt } = this.#view;
    let detail = bytes.subarray(detailAt, detailAt + row.heapBytes);
    if (row.tunnelType !== NO_TUNNEL) detail = this.#subscribers.join(row, detail);
    this.inventory?.onFlow(row, detail);
    for (const sink of this.#flowSinks) sink.onFlow(row, detail);
  }

  #giveEvent(): void {
    const { event, bytes, bodyAt } = this.#view;
    const body = bytes.subarray(bodyAt, bodyAt + event.bodyBytes);
    this.#subscribers.onEvent(event, body);
    this.inventory?.onEvent(event, body);
    for (const sink of this.#eventSinks) sink.onEvent(event, body);
  }

  #giveIncidentsUpTo(item: Keys): void {
    if (item.timeUs < this.#incidents.nextUs) return;
    this.#giveIncidents({ timeUs: item.timeUs, index: item.orderIndex, sub: item.orderSub });
  }

  #giveIncidents(limit: Order): void {
    for (const { incident, change } of this.#incidents.changesBefore(limit)) {
      const isNew = change === 'opened';
      if (isNew) this.inventory?.onIncident(incident);
      for (const sink of this.#sinks) {
        if (isNew || sink.wantsGrowth === true) sink.onIncident(incident, change);
      }
    }
    if (!this.#isLive) return;
    for (const incident of this.#incidents.takeFinished()) {
      for (const sink of this.#sinks) sink.onIncident(incident, 'final');
    }
  }
}

const earlier = (a: Order, b: Order): Order => (compareOrder(a, b) < 0 ? a : b);

interface Keys {
  readonly timeUs: number;
  readonly orderIndex: number;
  readonly orderSub: number;
}
