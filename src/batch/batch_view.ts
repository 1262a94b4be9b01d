import { ThymusError } from '../errors.js';
import {
  BATCH_HEADER_BYTES,
  BatchHeaderView,
  EVENT_ROW_BYTES,
  EventRowOffset,
  EventRowView,
  FLOW_ROW_BYTES,
  FlowRowView,
  LAYOUT_HASH,
} from './generated/record_layout.js';

const MAGIC = 0x54485942;

/** What `BatchView.next` stands on. */
export const Item = { NONE: 0, FLOW: 1, EVENT: 2 } as const;
export type ItemKind = (typeof Item)[keyof typeof Item];

/**
 * Walks batches in a drained buffer (native/emit/record.def): flow rows and events in their merged
 * total order, in place, without making objects.
 *
 * `row` is valid while the view stands on a flow, `event` while it stands on an event; both are
 * overwritten by the next `next()`. All offsets are checked before they are used, so that a damaged
 * batch is a ThymusError and never a read outside of it.
 */
export class BatchView {
  readonly bytes: Uint8Array;
  readonly header: BatchHeaderView;
  readonly row: FlowRowView;
  readonly event: EventRowView;
  readonly #base: number;
  #end = 0;
  #nextRow = 0;
  #rowsLeft = 0;
  #nextEvent = 0;
  #eventsLeft = 0;
  #eventsEnd = 0;
  #heap = 0;

  /**
   * @param buffer what `drain` fills; starts at a multiple of 8 of its memory
   * @throws ThymusError INTERNAL when it does not
   */
  constructor(buffer: Uint8Array) {
    if (buffer.byteOffset % 8 !== 0 || buffer.buffer.byteLength % 8 !== 0) {
      throw damaged('the buffer is not aligned to 8 bytes');
    }
    this.bytes = new Uint8Array(buffer.buffer);
    this.header = new BatchHeaderView(buffer.buffer);
    this.row = new FlowRowView(buffer.buffer);
    this.event = new EventRowView(buffer.buffer);
    this.#base = buffer.byteOffset;
  }

  /**
   * Goes to the batch at `offset` of the buffer, before its first item.
   * @param limit bytes of the buffer that `drain` filled
   * @returns offset of the batch after it; not less than `limit` when it was the last
   * @throws ThymusError INTERNAL when it is no batch of this layout or does not fit into `limit`
   */
  open(offset: number, limit: number): number {
    const { header } = this;
    const room = Math.min(this.#base + limit, this.bytes.length) - this.#base - offset;
    if (offset % 8 !== 0 || room < BATCH_HEADER_BYTES) throw damaged('it has no whole header');
    header.at = this.#base + offset;
    if (header.magic !== MAGIC) throw damaged('it does not start with the magic number');
    if (header.layout !== LAYOUT_HASH) throw damaged('it was written with another record layout');
    if (header.totalBytes > room) throw damaged('it is longer than the buffer');
    this.#openSections();
    return offset + Math.ceil(header.totalBytes / 64) * 64;
  }

  #openSections(): void {
    const { header } = this;
    const total = header.totalBytes;
    const { rowsOffset, eventsOffset, heapOffset, nRows } = header;
    const ordered =
      rowsOffset >= BATCH_HEADER_BYTES &&
      rowsOffset + nRows * FLOW_ROW_BYTES <= eventsOffset &&
      eventsOffset <= heapOffset &&
      heapOffset <= total;
    if (!ordered || rowsOffset % 8 !== 0 || eventsOffset % 8 !== 0) {
      throw damaged('its sections do not fit');
    }
    this.#end = header.at + total;
    this.#nextRow = header.at + rowsOffset;
    this.#rowsLeft = nRows;
    this.#nextEvent = header.at + eventsOffset;
    this.#eventsLeft = header.nEvents;
    this.#eventsEnd = header.at + heapOffset;
    this.#heap = header.at + heapOffset;
    this.row.at = this.#nextRow;
    if (this.#eventsLeft > 0) this.#checkEvent(this.#nextEvent);
  }

  /** Moves to the next item in the total order. */
  next(): ItemKind {
    if (this.#rowsLeft === 0) return this.#eventsLeft === 0 ? Item.NONE : this.#takeEvent();
    this.row.at = this.#nextRow;
    if (this.#eventsLeft > 0 && this.#eventIsFirst()) return this.#takeEvent();
    this.#nextRow += FLOW_ROW_BYTES;
    this.#rowsLeft--;
    return Item.FLOW;
  }

  /** First byte of the current event's fields in `bytes`; they are `event.bodyBytes` long. */
  get bodyAt(): number {
    return this.event.at + EVENT_ROW_BYTES;
  }

  /** First byte of the current row's `flow_detail` fields in `bytes`; `row.heapBytes` long. */
  get detailAt(): number {
    const at = this.#heap + this.row.heapOffset;
    if (at + this.row.heapBytes > this.#end) throw damaged('a detail lies outside of its heap');
    return at;
  }

  #eventIsFirst(): boolean {
    const { row, event } = this;
    event.at = this.#nextEvent;
    const byTime = event.timeUs - row.timeUs;
    if (byTime !== 0) return byTime < 0;
    const byIndex = event.orderIndex - row.orderIndex;
    if (byIndex !== 0) return byIndex < 0;
    return event.orderSub < row.orderSub;
  }

  #takeEvent(): ItemKind {
    const at = this.#nextEvent;
    this.event.at = at;
    this.#nextEvent = at + EVENT_ROW_BYTES + Math.ceil(this.event.bodyBytes / 8) * 8;
    if (--this.#eventsLeft > 0) this.#checkEvent(this.#nextEvent);
    return Item.EVENT;
  }

  #checkEvent(at: number): void {
    const fields = at + EVENT_ROW_BYTES;
    const bodyBytes = this.header.u32[(at + EventRowOffset.bodyBytes) >> 2] ?? 0;
    if (fields > this.#eventsEnd || fields + bodyBytes > this.#eventsEnd) {
      throw damaged('an event is cut');
    }
  }
}

function damaged(what: string): ThymusError {
  return new ThymusError(
    'INTERNAL',
    `A batch of the native core cannot be read: ${what}; rebuild with 'npm run build'.`,
  );
}
