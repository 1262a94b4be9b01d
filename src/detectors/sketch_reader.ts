import { EventField } from '../batch/generated/event_schema.js';
import { TlvReader } from '../batch/tlv.js';

/** Counts of one destination, or of a whole segment, in one window. */
export class SketchCounts {
  key = 0;
  /** Where its 16 bytes lie in the memory of the event. */
  addressAt = 0;
  synIn = 0;
  synAckOut = 0;
  ackIn = 0;
  rstOut = 0;
  packetsIn = 0;
  udpPacketsIn = 0;
  icmpPacketsIn = 0;
  sources = 0;

  clear(): void {
    this.key = 0;
    this.addressAt = 0;
    this.synIn = 0;
    this.synAckOut = 0;
    this.ackIn = 0;
    this.rstOut = 0;
    this.packetsIn = 0;
    this.udpPacketsIn = 0;
    this.icmpPacketsIn = 0;
    this.sources = 0;
  }

  /** What is left of a segment when one of its destinations is taken out. */
  subtract(part: SketchCounts): void {
    this.synIn -= part.synIn;
    this.synAckOut -= part.synAckOut;
    this.ackIn -= part.ackIn;
    this.rstOut -= part.rstOut;
    this.packetsIn -= part.packetsIn;
    this.udpPacketsIn -= part.udpPacketsIn;
    this.icmpPacketsIn -= part.icmpPacketsIn;
  }
}

const SKETCH = EventField.SKETCH;
const TOP = EventField.SKETCH.TOP;

/** Reads a `sketch` event (native/emit/events/) into reused counts. */
export class SketchReader {
  bytes: Uint8Array = new Uint8Array(0);
  prefixBits = 0;
  windowUs = 0;
  readonly segment = new SketchCounts();
  readonly #tops: SketchCounts[] = [];
  #nTops = 0;
  readonly #fields = new TlvReader();
  readonly #inner = new TlvReader();

  /** The busiest destinations; valid until the next `read`. */
  get nTops(): number {
    return this.#nTops;
  }
  top(i: number): SketchCounts {
    return this.#tops[i]!;
  }

  read(bytes: Uint8Array, at: number, length: number): void {
    const fields = this.#fields.open(bytes, at, length);
    this.bytes = bytes;
    this.segment.clear();
    this.#nTops = 0;
    while (fields.next()) {
      if (fields.number === SKETCH.TOP_ID) this.#readTop();
      else this.#readSegmentField(fields);
    }
  }

  #readTop(): void {
    if (this.#nTops === this.#tops.length) this.#tops.push(new SketchCounts());
    const counts = this.#tops[this.#nTops++]!;
    counts.clear();
    const inner = this.#inner.enter(this.#fields);
    while (inner.next()) readTopField(inner, counts);
  }

  #readSegmentField(field: TlvReader): void {
    const { segment } = this;
    switch (field.number) {
      case SKETCH.PREFIX:
        segment.addressAt = field.at;
        break;
      case SKETCH.PREFIX_BITS:
        this.prefixBits = field.unsigned();
        break;
      case SKETCH.WINDOW_US:
        this.windowUs = field.unsigned();
        break;
      case SKETCH.SYN_IN:
        segment.synIn = field.unsigned();
        break;
      case SKETCH.SYN_ACK_OUT:
        segment.synAckOut = field.unsigned();
        break;
      case SKETCH.ACK_IN:
        segment.ackIn = field.unsigned();
        break;
      case SKETCH.RST_OUT:
        segment.rstOut = field.unsigned();
        break;
      case SKETCH.PACKETS_IN:
        segment.packetsIn = field.unsigned();
        break;
      case SKETCH.UDP_PACKETS_IN:
        segment.udpPacketsIn = field.unsigned();
        break;
      case SKETCH.ICMP_PACKETS_IN:
        segment.icmpPacketsIn = field.unsigned();
        break;
      case SKETCH.NEW_SOURCES:
        segment.sources = field.unsigned();
        break;
    }
  }
}

function readTopField(field: TlvReader, counts: SketchCounts): void {
  switch (field.number) {
    case TOP.ADDRESS:
      counts.addressAt = field.at;
      break;
    case TOP.SYN_IN:
      counts.synIn = field.unsigned();
      break;
    case TOP.SYN_ACK_OUT:
      counts.synAckOut = field.unsigned();
      break;
    case TOP.ACK_IN:
      counts.ackIn = field.unsigned();
      break;
    case TOP.RST_OUT:
      counts.rstOut = field.unsigned();
      break;
    case TOP.PACKETS_IN:
      counts.packetsIn = field.unsigned();
      break;
    case TOP.UDP_PACKETS_IN:
      counts.udpPacketsIn = field.unsigned();
      break;
    case TOP.ICMP_PACKETS_IN:
      counts.icmpPacketsIn = field.unsigned();
      break;
    case TOP.SOURCES:
      counts.sources = field.unsigned();
      break;
    case TOP.KEY:
      counts.key = field.float();
      break;
  }
}
