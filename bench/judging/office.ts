import {
  BATCH_HEADER_BYTES,
  BatchHeaderOffset,
  EVENT_ROW_BYTES,
} from '../../src/batch/generated/record_layout.js';
import {
  EventRowOffset,
  FLOW_ROW_BYTES,
  FlowRowOffset,
} from '../../src/batch/generated/record_layout.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowStates,
} from '../../src/batch/generated/record_layout.js';
import { TICK_US } from '../../src/domain/tick.js';
import { mixToUint32 } from '../../src/models/key_set.js';
import { BatchWriter, type EventSpec, type RowSpec } from '../../test/src/support/batch_writer.js';
import { seeded, START_US } from '../../test/src/support/traffic.js';

/** What a device does once: a question, its answer, the begin and the end of a connection. */
const RECORDS_PER_VISIT = 4;
/** Visits of one batch, at most. */
const VISITS_MOST = 1024;
const SITES = 20_000;
const SERVERS = 50;
/** Sites that a device visits again and again, and how often it visits another one. */
const OWN_SITES = 30;
const ROAMING = 0.1;
const INSIDE = 0.2;
const MINUTES_BETWEEN_VISITS = 1;
/** Same length for each site: it is written over. */
const NAME = 'aaaaaaaa.example.net';

const TCP = 6;
const UDP = 17;
const ACKED_SYN = 0x12;
const DEVICE = 0x0a000000;
const SERVER = 0x0aff0000;
const SITE = 0xcb000000;
const RESOLVER = 0x0afffffe;
const OUTWARD = FlowRoles.ORIGINATOR_INTERNAL | FlowRoles.JUDGE_ORIGINATOR;
const INWARD = OUTWARD | FlowRoles.RESPONDER_INTERNAL | FlowRoles.JUDGE_RESPONDER;

/** The key of an address, as the core's keyed hash is one. */
export function keyOfDevice(device: number): number {
  return keyOf(DEVICE + device);
}

function keyOf(address: number): number {
  return (mixToUint32(address + 0x100000000) & 0xfffff) * 0x100000000 + mixToUint32(address);
}

/**
 * Records of an office in which every device looks at a site or at a server inside about once a
 * minute, as batches. Rows are written once and then over again: to build each anew would take ten
 * times as long as to judge it. A batch is valid until the next.
 */
export class Office {
  readonly #devices: number;
  readonly #random: () => number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rowsAt: number;
  readonly #eventsAt: number[] = [];
  readonly #namesAt: number[] = [];
  #visits = 0;

  constructor(devices: number, seed: number) {
    this.#devices = devices;
    this.#random = seeded(seed);
    const writer = new BatchWriter();
    for (let i = 0; i < VISITS_MOST; i++) {
      writer.event(QUESTION).event(ANSWER).row(BEGUN).row(ENDED);
    }
    this.#bytes = writer.finish();
    this.#view = new DataView(this.#bytes.buffer);
    this.#rowsAt = BATCH_HEADER_BYTES;
    let at = this.#view.getUint32(BatchHeaderOffset.eventsOffset, true);
    for (let i = 0; i < 2 * VISITS_MOST; i++) {
      this.#eventsAt.push(at);
      this.#namesAt.push(Buffer.from(this.#bytes.buffer).indexOf(NAME, at));
      const body = this.#view.getUint32(at + EventRowOffset.bodyBytes, true);
      at += EVENT_ROW_BYTES + 8 * Math.ceil(body / 8);
    }
  }

  /** The batches of some minutes, and how many records each holds. */
  *minutes(minutes: number): Generator<{ readonly bytes: Uint8Array; readonly records: number }> {
    const perTick = (this.#devices * TICK_US) / (60e6 * MINUTES_BETWEEN_VISITS);
    for (let tick = 0; tick < minutes * 12; tick++) {
      let visits = Math.floor(perTick * (tick + 1)) - Math.floor(perTick * tick);
      let timeUs = START_US + tick * TICK_US;
      const stepUs = TICK_US / (visits + 1);
      while (visits > 0) {
        const n = Math.min(visits, VISITS_MOST);
        for (let i = 0; i < n; i++) this.#visit(i, Math.round((timeUs += stepUs)));
        // Later visits lie in the memory of the batch and are no part of it.
        this.#view.setUint32(BatchHeaderOffset.nRows, 2 * n, true);
        this.#view.setUint32(BatchHeaderOffset.nEvents, 2 * n, true);
        this.#view.setFloat64(BatchHeaderOffset.watermarkUs, timeUs, true);
        visits -= n;
        yield { bytes: this.#bytes, records: RECORDS_PER_VISIT * n };
      }
    }
  }

  #visit(i: number, timeUs: number): void {
    const random = this.#random;
    const device = DEVICE + Math.floor(random() * this.#devices);
    const isInside = random() < INSIDE;
    const site = this.#siteOf(device);
    const server = SERVER + (mixToUint32(device * 7 + Math.floor(random() * 4)) % SERVERS);
    const peer = isInside ? server : SITE + 256 * site;
    this.#write(2 * i, { device, peer: RESOLVER, site, timeUs });
    this.#write(2 * i + 1, { device: RESOLVER, peer: device, site, timeUs });
    const bytes = Math.floor(Math.exp(6 + 4 * random()));
    for (const part of [0, 1]) {
      const at = this.#rowsAt + (2 * i + part) * FLOW_ROW_BYTES;
      this.#ends(at, FlowRowOffset, { orig: device, resp: peer });
      const view = this.#view;
      view.setFloat64(at + FlowRowOffset.timeUs, timeUs, true);
      view.setFloat64(at + FlowRowOffset.tsFirstUs, timeUs - 500_000 * part, true);
      view.setFloat64(at + FlowRowOffset.tsLastUs, timeUs, true);
      view.setUint32(at + FlowRowOffset.flowIdLow, this.#visits, true);
      view.setUint16(at + FlowRowOffset.respPort, isInside ? 445 : 443, true);
      view.setUint8(at + FlowRowOffset.roles, isInside ? INWARD : OUTWARD);
      view.setUint8(at + FlowRowOffset.direction, isInside ? 1 : 2);
      view.setFloat64(
        at + FlowRowOffset.orderIndex,
        this.#visits * RECORDS_PER_VISIT + 2 + part,
        true,
      );
      view.setFloat64(at + FlowRowOffset.origPayload, part * bytes, true);
      view.setFloat64(at + FlowRowOffset.origBytes, part * (bytes + 540), true);
      view.setFloat64(at + FlowRowOffset.respBytes, part * 20 * bytes, true);
    }
    this.#visits++;
  }

  /** A few that are its own, and now and then any: popular ones more often. */
  #siteOf(device: number): number {
    const random = this.#random;
    if (random() < ROAMING) return Math.floor(SITES * random() ** 3);
    return mixToUint32(device * 1000 + Math.floor(OWN_SITES * random() ** 2)) % SITES;
  }

  #write(
    event: number,
    at: {
      readonly device: number;
      readonly peer: number;
      readonly site: number;
      readonly timeUs: number;
    },
  ): void {
    const base = this.#eventsAt[event]!;
    this.#ends(base, EVENT_ENDS, { orig: at.device, resp: at.peer });
    this.#view.setFloat64(base + EventRowOffset.timeUs, at.timeUs, true);
    this.#view.setFloat64(base + EventRowOffset.tsUs, at.timeUs, true);
    const index = this.#visits * RECORDS_PER_VISIT + (event & 1);
    this.#view.setFloat64(base + EventRowOffset.orderIndex, index, true);
    let rest = mixToUint32(at.site);
    for (let k = 0; k < 8; k++) {
      this.#bytes[this.#namesAt[event]! + k] = 97 + (rest % 16);
      rest >>>= 4;
    }
  }

  #ends(
    at: number,
    offsets: { origKey: number; respKey: number; origAddr: number; respAddr: number },
    { orig, resp }: { readonly orig: number; readonly resp: number },
  ): void {
    this.#view.setFloat64(at + offsets.origKey, keyOf(orig), true);
    this.#view.setFloat64(at + offsets.respKey, keyOf(resp), true);
    this.#view.setUint32(at + offsets.origAddr + 12, orig, false);
    this.#view.setUint32(at + offsets.respAddr + 12, resp, false);
  }
}

const EVENT_ENDS = {
  origKey: EventRowOffset.origKey,
  respKey: EventRowOffset.respKey,
  origAddr: EventRowOffset.srcAddr,
  respAddr: EventRowOffset.dstAddr,
} as const;

const BEGUN: RowSpec = {
  origAddr: '10.0.0.0',
  respAddr: '203.0.0.0',
  origPort: 40_000,
  protocol: TCP,
  ipVersion: 4,
  state: FlowStates.SF,
  flags: FlowFlags.BOTH_DIRECTIONS,
  event: FlowEvents.START,
  origTcpFlags: ACKED_SYN,
  respTcpFlags: ACKED_SYN,
  origSyns: 1,
  respSynAcks: 1,
  origPackets: 10,
  respPackets: 20,
  origTtlMin: 64,
  origTtlMax: 64,
};
const ENDED: RowSpec = { ...BEGUN, event: FlowEvents.END, respPayload: 20_000 };

const QUERIES = [{ rrname: NAME, rrtype: 1 }];
const QUESTION: EventSpec = {
  kind: 'dns',
  fields: { type: 'request', rcode: 0, queries: QUERIES },
  srcAddr: '10.0.0.0',
  dstAddr: '10.0.0.0',
  srcPort: 50_000,
  dstPort: 53,
  protocol: UDP,
  roles: INWARD & ~FlowRoles.JUDGE_RESPONDER,
};
const ANSWER: EventSpec = {
  ...QUESTION,
  fields: { type: 'response', rcode: 0, queries: QUERIES },
  srcPort: 53,
  dstPort: 50_000,
  roles: INWARD & ~FlowRoles.JUDGE_ORIGINATOR,
};
