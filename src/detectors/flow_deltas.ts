import { FlowEvents, type FlowRowView } from '../batch/generated/record_layout.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { pairKey } from '../models/key_set.js';
import { RecencyMap } from '../models/recency_map.js';

/** What one flow did since its record before. */
export class FlowDelta {
  origPackets = 0;
  respPackets = 0;
  origBytes = 0;
  respBytes = 0;
  origPayload = 0;
  retransmissions = 0;

  clear(): void {
    this.origPackets = 0;
    this.respPackets = 0;
    this.origBytes = 0;
    this.respBytes = 0;
    this.origPayload = 0;
    this.retransmissions = 0;
  }

  /** Takes the totals of a record. */
  fill(row: FlowRowView): void {
    this.origPackets = row.origPackets;
    this.respPackets = row.respPackets;
    this.origBytes = row.origBytes;
    this.respBytes = row.respBytes;
    this.origPayload = row.origPayload;
    this.retransmissions = row.origRetransmissions + row.respRetransmissions;
  }

  subtract(before: FlowDelta): void {
    this.origPackets = Math.max(0, this.origPackets - before.origPackets);
    this.respPackets = Math.max(0, this.respPackets - before.respPackets);
    this.origBytes = Math.max(0, this.origBytes - before.origBytes);
    this.respBytes = Math.max(0, this.respBytes - before.respBytes);
    this.origPayload = Math.max(0, this.origPayload - before.origPayload);
    this.retransmissions = Math.max(0, this.retransmissions - before.retransmissions);
  }

  save(out: StateWriter): void {
    out.f64s([this.origPackets, this.respPackets, this.origBytes, this.respBytes]);
    out.f64s([this.origPayload, this.retransmissions]);
  }

  restore(from: StateReader): void {
    this.origPackets = from.f64();
    this.respPackets = from.f64();
    this.origBytes = from.f64();
    this.respBytes = from.f64();
    this.origPayload = from.f64();
    this.retransmissions = from.f64();
  }
}

const makeDelta = (): FlowDelta => new FlowDelta();
/** What was taken last: one for all entities, of which there are many. */
const TAKEN = new FlowDelta();
const clearDelta = (delta: FlowDelta): void => delta.clear();

/**
 * Totals of the flows of one entity that go on, so that each of their records counts for what is new
 * in it. Only flows that had an UPDATE are remembered; one that was forgotten counts as a whole again.
 */
export class FlowDeltas {
  readonly #totals: RecencyMap<FlowDelta>;

  constructor(flowsMost: number) {
    this.#totals = new RecencyMap(flowsMost, makeDelta, clearDelta);
  }

  /** REQUIRES: the record is an UPDATE or an END. Valid until the next call for any entity. */
  take(row: FlowRowView): FlowDelta {
    const key = pairKey(row.flowIdLow, row.flowIdHigh);
    const isLast = (row.event & FlowEvents.END) !== 0;
    const before = isLast ? this.#totals.peek(key) : this.#totals.claim(key);
    const delta = TAKEN;
    delta.fill(row);
    if (before !== undefined) {
      delta.subtract(before);
      before.fill(row);
    }
    return delta;
  }

  save(out: StateWriter): void {
    this.#totals.save(out, (total) => total.save(out));
  }

  /** An earlier run has other flows: of those, nothing is remembered. REQUIRES: it is empty. */
  restore(from: StateReader): void {
    this.#totals.restore(from, (total) => total.restore(from));
    if (from.shiftUs !== 0) this.#totals.clear();
  }
}
