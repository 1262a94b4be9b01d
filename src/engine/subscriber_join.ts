import { formatAddress } from '../batch/address.js';
import { EventField } from '../batch/generated/event_schema.js';
import type { EventRowView, FlowRowView } from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import { fieldOf, numberField, textField } from '../batch/tlv_fields.js';
import { endOf, MobileSignalling } from '../models/mobile_signalling.js';
import {
  SessionTable,
  type Binding,
  type SessionFacts,
  type SessionTableStats,
} from '../models/tunnel_sessions.js';

const Detail = EventField.FLOW_DETAIL;
const Subscriber = Detail.SUBSCRIBER;
/** Signalling and traffic may be captured in different places. */
const CLOCK_SLACK_US = 1e6;

/**
 * Says of each flow in GTP-U whose it is. It stands where records of all lanes have met in their
 * total order, since a session's signalling and its flows come to different lanes; and it answers
 * at a flow's end, so that signalling may come after the flow's first packet.
 */
export class SubscriberJoin {
  readonly #table = new SessionTable();
  readonly #signalling = new MobileSignalling(this.#table);
  readonly #fields = new TlvReader();
  readonly #inner = new TlvReader();
  #joined = 0;

  get stats(): SessionTableStats & { readonly joined: number } {
    return { ...this.#table.stats, joined: this.#joined };
  }

  onEvent(row: EventRowView, body: Uint8Array): void {
    this.#signalling.onEvent(row, body);
  }

  /** The fields of `flow_detail` with the subscriber among them, where one is known. */
  join(row: FlowRowView, detail: Uint8Array): Uint8Array {
    const ends = this.#endsOf(detail);
    if (ends.length === 0) return detail;
    const known = this.#sessionOf(row, ends);
    if (known === null) return detail;
    this.#joined++;
    return withSubscriber(detail, known);
  }

  #endsOf(detail: Uint8Array): string[] {
    const ends: string[] = [];
    const fields = this.#fields.open(detail, 0, detail.length);
    while (fields.next()) {
      if (fields.number !== Detail.GTP_U_ID) continue;
      let address = '';
      let teid = -1;
      const inner = this.#inner.enter(fields);
      while (inner.next()) {
        if (inner.number === Detail.GTP_U.TEID) teid = inner.unsigned();
        if (inner.number === Detail.GTP_U.DEST_IP) address = inner.address();
      }
      if (address !== '' && teid >= 0) ends.push(endOf(address, teid));
    }
    return ends;
  }

  #sessionOf(row: FlowRowView, ends: readonly string[]): Known | null {
    const bindings = ends.flatMap((end) => this.#bindingsOf(end, row));
    if (bindings.length === 0) return null;
    const addresses = [formatAddress(row.origAddr, 0), formatAddress(row.respAddr, 0)];
    const isOf = (binding: Binding): number =>
      addresses.includes(binding.session.ueAddress) ? 1 : 0;
    // The one whose device has the flow's address says most, then the newest that was accepted.
    bindings.sort(
      (a, b) =>
        isOf(b) - isOf(a) ||
        Number(b.session.isConfirmed) - Number(a.session.isConfirmed) ||
        b.fromUs - a.fromUs,
    );
    const [first] = bindings;
    const known: Known = { ...factsOf(first!), confirmed: first!.session.isConfirmed };
    for (const binding of bindings.slice(1)) complete(known, binding.session);
    for (const { session } of bindings) {
      if (session.imsi === known.imsi) this.#table.touch(session, row.tsLastUs);
    }
    return known;
  }

  /**
   * The bindings of an end while the flow lived. A session of the user plane lasts while the radio
   * network lets go of its device and takes it back without saying again who it is: what was said
   * since that session began holds.
   */
  #bindingsOf(end: string, row: FlowRowView): Binding[] {
    const all = this.#table.bindingsOf(end);
    const lived = all.filter(
      (b) => b.fromUs <= row.tsLastUs + CLOCK_SLACK_US && b.toUs >= row.tsFirstUs,
    );
    const plane = lived.findLast((b) => b.session.source === 'pfcp');
    if (plane === undefined) return lived;
    const since = all.filter(
      (b) =>
        b.session.source === 'ran' &&
        b.fromUs >= plane.fromUs &&
        b.fromUs <= row.tsLastUs + CLOCK_SLACK_US &&
        !lived.includes(b),
    );
    return [...lived, ...since];
  }
}

type Known = SessionFacts & { readonly confirmed: boolean };

function factsOf({ session }: Binding): SessionFacts {
  const { imsi, msisdn, imei, apn, slice, rat, plmn, area, cell, ueAddress } = session;
  return { imsi, msisdn, imei, apn, slice, rat, plmn, area, cell, ueAddress };
}

/** Adds what another session of the same tunnel says, unless it is another subscriber's. */
function complete(known: SessionFacts, other: SessionFacts): void {
  const differs = (a: string, b: string): boolean => a !== '' && b !== '' && a !== b;
  if (differs(known.imsi, other.imsi) || differs(known.ueAddress, other.ueAddress)) return;
  known.imsi ||= other.imsi;
  known.msisdn ||= other.msisdn;
  known.imei ||= other.imei;
  known.apn ||= other.apn;
  known.slice ||= other.slice;
  known.ueAddress ||= other.ueAddress;
  known.rat ||= other.rat;
  if (known.plmn !== '') return;
  known.plmn = other.plmn;
  known.area = other.area;
  known.cell = other.cell;
}

function withSubscriber(detail: Uint8Array, known: Known): Uint8Array {
  const fields = [
    textField(Subscriber.IMSI, known.imsi),
    textField(Subscriber.MSISDN, known.msisdn),
    textField(Subscriber.IMEI, known.imei),
    textField(Subscriber.APN, known.apn),
    textField(Subscriber.SLICE, known.slice),
    textField(Subscriber.RAT, known.rat),
    textField(Subscriber.PLMN, known.plmn),
    numberField(Subscriber.AREA, known.area),
    numberField(Subscriber.CELL, known.cell),
    textField(Subscriber.UE_ADDRESS, known.ueAddress),
    numberField(Subscriber.CONFIRMED, known.confirmed ? 1 : 0),
  ];
  return Buffer.concat([detail, fieldOf(Detail.SUBSCRIBER_ID, Buffer.concat(fields))]);
}
