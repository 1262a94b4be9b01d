import { formatAddress } from '../batch/address.js';
import { EVENT_SCHEMA, EventType } from '../batch/generated/event_schema.js';
import type { EventRowView } from '../batch/generated/record_layout.js';
import { toObject, type TlvObject, type TlvValue } from '../batch/tlv.js';
import { RecentNames } from './recent_names.js';
import type { Session, SessionFacts, SessionSource, SessionTable } from './tunnel_sessions.js';

/*
 * Reads the signalling of mobile networks, event by event, into a table of sessions.
 *
 *   GTP-C   a session is asked for and accepted; each side names it by its own F-TEID (address and
 *           number), and later messages are sent to that name
 *   PFCP    the same with F-SEIDs; the ends of tunnels are in its rules
 *   S1AP, NGAP  a device has a number at either side; it says who it is in its first messages, and
 *           each of its sessions has an end in the network and one in the radio network
 *
 * What one of them leaves out another says: the sessions meet in the ends of their tunnels.
 */

type RadioProtocol = 'S1AP' | 'NGAP';

/** A device as the radio network knows it, with its sessions by their numbers. */
interface Device {
  readonly facts: Partial<SessionFacts>;
  readonly sessions: Map<number, Session>;
  /** What the device asked of a session that is not there yet. */
  readonly asked: Map<number, Partial<SessionFacts>>;
}

/** Numbers and temporary identities by which devices are known: with all they hold about 150 MiB. */
const NAMES_OF_DEVICES_MOST = 131_072;
const SESSIONS_OF_DEVICE_MOST = 16;
/** PDU sessions have numbers from 1 to 15, EPS bearers likewise. */
const SESSION_NUMBER_MOST = 15;

const GTPV1 = { CREATE: 16, CREATED: 17, UPDATE: 18, UPDATED: 19, DELETED: 21 } as const;
const GTPV2 = { CREATE: 32, CREATED: 33, DELETED: 37 } as const;
const PFCP = { ESTABLISH: 50, ESTABLISHED: 51, DELETED: 55 } as const;
const GTPV1_ACCEPTED = 128;
/** Request accepted, in part or in whole, or with another type of PDN. */
const GTPV2_ACCEPTED = [16, 17, 18, 19];
const PFCP_ACCEPTED = 1;
/** Interfaces whose tunnels carry packets of users (TS 29.274, 8.22). */
const GTPV2_USER_INTERFACES = new Set([
  0, 1, 2, 3, 4, 5, 15, 16, 19, 20, 21, 22, 23, 28, 29, 31, 33, 34, 37, 38, 39,
]);
const RAT_NAMES: Readonly<Record<number, string>> = {
  1: 'UTRAN',
  2: 'GERAN',
  3: 'WLAN',
  4: 'GAN',
  5: 'HSPA',
  6: 'EUTRAN',
  7: 'VIRTUAL',
  8: 'EUTRAN-NB-IOT',
  9: 'LTE-M',
  10: 'NR',
};
/** Procedures that set up a session: context of a device, session. */
const SET_UP = { S1AP: [9, 5], NGAP: [14, 29] } as const;
const INITIAL_MESSAGE = { S1AP: 12, NGAP: 15 } as const;
const RELEASE_SESSION = { S1AP: 7, NGAP: 28 } as const;
const CORE_PORTS = { S1AP: 36412, NGAP: 38412 } as const;

/** One message, with who sent it to whom. */
interface Message {
  readonly fields: TlvObject;
  readonly type: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly flow: string;
  readonly atUs: number;
}

export class MobileSignalling {
  readonly #table: SessionTable;
  readonly #devices = new RecentNames<Device>(NAMES_OF_DEVICES_MOST);
  /** Who was given a temporary identity. */
  readonly #temporary = new RecentNames<Partial<SessionFacts>>(NAMES_OF_DEVICES_MOST);

  constructor(table: SessionTable) {
    this.#table = table;
  }

  /** Takes an event of any kind; those that are no signalling cost one comparison. */
  onEvent(row: EventRowView, body: Uint8Array): void {
    switch (row.type) {
      case EventType.GTPV1:
        this.#gtpv1(messageOf(row, body));
        break;
      case EventType.GTPV2:
        this.#gtpv2(messageOf(row, body));
        break;
      case EventType.PFCP:
        this.#pfcp(messageOf(row, body));
        break;
      case EventType.S1AP:
        this.#radio(messageOf(row, body), 'S1AP');
        break;
      case EventType.NGAP:
        this.#radio(messageOf(row, body), 'NGAP');
        break;
    }
  }

  // ---- GTP-C

  #gtpv1(message: Message): void {
    const { fields, type } = message;
    const cause = numberOf(fields.cause);
    const answer = type === GTPV1.CREATED ? cause : null;
    const session = this.#dialogue(message, 'gtp', {
      isRequest: type === GTPV1.CREATE,
      isAnswer: type === GTPV1.CREATED,
      name: `gtp/${message.dst}/${numberOf(fields.teid)}`,
      transaction: String(numberOf(fields.sequence)),
      isAccepted: answer !== null && answer >= GTPV1_ACCEPTED,
    });
    if (session === undefined) return;
    learn(session, factsOf(fields));
    const [control, user] = listOf(fields.node_address).map(String);
    const controlTeid = numberOf(fields.teid_control);
    const userTeid = numberOf(fields.teid_data);
    if (controlTeid !== null) {
      this.#table.name(session, `gtp/${control ?? message.src}/${controlTeid}`);
      this.#table.name(session, `gtp/${message.src}/${controlTeid}`);
    }
    if (userTeid !== null) {
      this.#table.bind(session, endOf(user ?? control ?? message.src, userTeid), message.atUs);
    }
    if (type === GTPV1.DELETED) this.#table.end(session, message.atUs);
  }

  #gtpv2(message: Message): void {
    const { fields, type } = message;
    const session = this.#dialogue(message, 'gtp', {
      isRequest: type === GTPV2.CREATE,
      isAnswer: type === GTPV2.CREATED,
      name: `gtp/${message.dst}/${numberOf(fields.teid)}`,
      transaction: String(numberOf(fields.sequence)),
      isAccepted: GTPV2_ACCEPTED.includes(numberOf(fields.cause) ?? 0),
    });
    if (session === undefined) return;
    learn(session, factsOf(fields));
    for (const end of listOf(fields.f_teid).map(objectOf)) {
      const teid = numberOf(end.teid);
      if (teid === null || typeof end.address !== 'string') continue;
      if (GTPV2_USER_INTERFACES.has(numberOf(end.interface_type) ?? -1)) {
        this.#table.bind(session, endOf(end.address, teid), message.atUs);
      } else if (end.address === message.src) {
        this.#table.name(session, `gtp/${end.address}/${teid}`);
      }
    }
    if (type === GTPV2.DELETED) this.#table.end(session, message.atUs);
  }

  #pfcp(message: Message): void {
    const { fields, type } = message;
    const session = this.#dialogue(message, 'pfcp', {
      isRequest: type === PFCP.ESTABLISH,
      isAnswer: type === PFCP.ESTABLISHED,
      name: `pfcp/${message.dst}/${numberOf(fields.seid)}`,
      transaction: String(numberOf(fields.sequence)),
      isAccepted: numberOf(fields.cause) === PFCP_ACCEPTED,
    });
    if (session === undefined) return;
    learn(session, factsOf(fields));
    const seid = numberOf(fields.f_seid);
    if (seid !== null) {
      this.#table.name(session, `pfcp/${message.src}/${seid}`);
      if (typeof fields.f_seid_address === 'string') {
        this.#table.name(session, `pfcp/${fields.f_seid_address}/${seid}`);
      }
    }
    for (const end of [...listOf(fields.f_teid), ...listOf(fields.peer)].map(objectOf)) {
      const teid = numberOf(end.teid);
      if (teid === null || typeof end.address !== 'string') continue;
      this.#table.bind(session, endOf(end.address, teid), message.atUs);
    }
    if (type === PFCP.DELETED) this.#table.end(session, message.atUs);
  }

  /** The session that a message asks for, answers or is sent to; a refused one ends. */
  #dialogue(message: Message, source: SessionSource, step: DialogueStep): Session | undefined {
    const { src, dst, srcPort, dstPort, atUs } = message;
    const transaction = (client: string, server: string): string =>
      `${source}-tx/${client}/${server}/${step.transaction}`;
    if (step.isRequest) {
      const name = transaction(`${src}:${srcPort}`, `${dst}:${dstPort}`);
      // A request that is sent again asks for the same session.
      const known = this.#table.find(name);
      if (known !== undefined && !known.isConfirmed) return known;
      const session = this.#table.create(source, atUs);
      this.#table.name(session, name);
      return session;
    }
    if (!step.isAnswer) {
      const session = this.#table.find(step.name);
      if (session !== undefined) this.#table.touch(session, atUs);
      return session;
    }
    const asked = this.#table.find(transaction(`${dst}:${dstPort}`, `${src}:${srcPort}`));
    if (asked === undefined) return undefined;
    if (step.isAccepted) {
      this.#table.confirm(asked, atUs);
      return asked;
    }
    this.#table.end(asked, atUs);
    return undefined;
  }

  // ---- S1AP and NGAP

  #radio(message: Message, protocol: RadioProtocol): void {
    const { fields } = message;
    const device = this.#deviceOf(message, protocol);
    if (device === undefined) return;
    const code = numberOf(fields.procedure_code) ?? -1;
    const isAnswer = fields.type === 'successful_outcome';
    const isSetUp = !isAnswer && (SET_UP[protocol] as readonly number[]).includes(code);
    device.facts.rat = protocol === 'S1AP' ? 'EUTRAN' : 'NR';
    Object.assign(device.facts, placeOf(fields.location));
    const sessions = listOf(protocol === 'S1AP' ? fields.e_rab : fields.session).map(objectOf);
    for (const said of sessions) {
      const session = this.#radioSession(device, said, { message, isSetUp });
      if (isAnswer && session !== undefined) this.#table.confirm(session, message.atUs);
    }
    for (const nas of listOf(fields.nas).map(objectOf)) nasFacts(device, nas, sessions);
    this.#temporaryIdentity(device, message, protocol);
    for (const session of device.sessions.values()) learn(session, device.facts);
    if (code === RELEASE_SESSION[protocol] && isAnswer && device.sessions.size === 1) {
      for (const session of device.sessions.values()) this.#table.end(session, message.atUs);
      device.sessions.clear();
    }
  }

  /** A device that shows what it was given before is the same; what it is given now names it. */
  #temporaryIdentity(device: Device, message: Message, protocol: RadioProtocol): void {
    const { fields } = message;
    const own = listOf(fields.nas).map((nas) => textOf(objectOf(nas).tmsi));
    for (const tmsi of [textOf(fields.tmsi), ...own]) {
      if (tmsi === '') continue;
      const name = `${protocol}/${coreOf(message, protocol)}/${tmsi}`;
      const { imsi, imei } = this.#temporary.get(name) ?? {};
      if (textOf(device.facts.imsi) === '' && imsi !== undefined) device.facts.imsi = imsi;
      if (textOf(device.facts.imei) === '' && imei !== undefined) device.facts.imei = imei;
      if (textOf(device.facts.imsi) === '') continue;
      this.#temporary.set(name, { imsi: device.facts.imsi!, imei: device.facts.imei ?? '' });
    }
  }

  #radioSession(device: Device, said: TlvObject, step: RadioStep): Session | undefined {
    const { atUs } = step.message;
    const id = numberOf(said.id) ?? 0;
    const teid = numberOf(said.teid);
    const end =
      teid !== null && typeof said.address === 'string' ? endOf(said.address, teid) : null;
    let session = device.sessions.get(id);
    // A new end in the core is a new session; the radio network may move as often as it likes.
    const isOther = step.isSetUp && end !== null && session?.ends.includes(end) === false;
    if (session === undefined || session.isEnded || isOther) {
      if (device.sessions.size >= SESSIONS_OF_DEVICE_MOST && !device.sessions.has(id)) return;
      session = this.#table.create('ran', atUs);
      device.sessions.set(id, session);
      learn(session, device.asked.get(id) ?? device.asked.get(0) ?? {});
    }
    if (typeof said.slice === 'string') session.slice = said.slice;
    if (end !== null) this.#table.bind(session, end, atUs);
    this.#table.touch(session, atUs);
    return session;
  }

  /** By its number in the core where it has one, else by that in the radio network. */
  #deviceOf(message: Message, protocol: RadioProtocol): Device | undefined {
    const { fields, flow } = message;
    const isLte = protocol === 'S1AP';
    const coreId = numberOf(isLte ? fields.mme_ue_id : fields.amf_ue_id);
    const radioId = numberOf(isLte ? fields.enb_ue_id : fields.ran_ue_id);
    if (coreId === null && radioId === null) return undefined;
    const core = coreOf(message, protocol);
    const coreName = coreId === null ? null : `${protocol}/core/${core}/${coreId}`;
    const radioName = radioId === null ? null : `${protocol}/radio/${flow}/${radioId}`;
    const isFirst = numberOf(fields.procedure_code) === INITIAL_MESSAGE[protocol];
    const known = isFirst
      ? undefined
      : ((coreName === null ? undefined : this.#devices.get(coreName)) ??
        (radioName === null ? undefined : this.#devices.get(radioName)));
    const device: Device = known ?? { facts: {}, sessions: new Map(), asked: new Map() };
    if (coreName !== null) this.#devices.set(coreName, device);
    if (radioName !== null) this.#devices.set(radioName, device);
    return device;
  }
}

/** The address of the core's side, or else the association. */
function coreOf(message: Message, protocol: RadioProtocol): string {
  const { flow, src, dst, srcPort, dstPort } = message;
  const port = CORE_PORTS[protocol];
  return srcPort === port ? src : dstPort === port ? dst : flow;
}

interface RadioStep {
  readonly message: Message;
  readonly isSetUp: boolean;
}

interface DialogueStep {
  readonly isRequest: boolean;
  readonly isAnswer: boolean;
  /** Of the session that the message is sent to. */
  readonly name: string;
  readonly transaction: string;
  readonly isAccepted: boolean;
}

/** The name of a tunnel's end. */
export function endOf(address: string, teid: number): string {
  return `${address}/${teid}`;
}

function messageOf(row: EventRowView, body: Uint8Array): Message {
  const schema = EVENT_SCHEMA.get(row.type)!.fields;
  const fields = toObject(schema, body, { at: 0, length: body.length });
  return {
    fields,
    type: numberOf(fields.message_type) ?? -1,
    src: formatAddress(row.srcAddr, 0),
    dst: formatAddress(row.dstAddr, 0),
    srcPort: row.srcPort,
    dstPort: row.dstPort,
    flow: `${row.flowIdHigh}.${row.flowIdLow}`,
    atUs: row.tsUs,
  };
}

/** What a message of GTP-C or PFCP says of its session. */
function factsOf(fields: TlvObject): Partial<SessionFacts> {
  const rat = numberOf(fields.rat_type);
  return {
    imsi: textOf(fields.imsi),
    msisdn: textOf(fields.msisdn),
    imei: textOf(fields.imei),
    apn: textOf(fields.apn) || textOf(fields.network_instance),
    slice: textOf(fields.slice),
    rat: rat === null ? '' : (RAT_NAMES[rat] ?? String(rat)),
    ueAddress: textOf(fields.ue_address),
    ...placeOf(fields.location),
  };
}

function placeOf(location: TlvValue | undefined): Partial<SessionFacts> {
  if (location === undefined) return {};
  const { plmn, area, cell } = objectOf(location);
  return { plmn: textOf(plmn), area: numberOf(area), cell: numberOf(cell) };
}

/** A message between device and core: of the device, and of the session that it speaks of. */
function nasFacts(device: Device, nas: TlvObject, sessions: readonly TlvObject[]): void {
  const { facts } = device;
  if (textOf(nas.imsi) !== '') facts.imsi = textOf(nas.imsi);
  if (textOf(nas.imei) !== '') facts.imei = textOf(nas.imei);
  const only = sessions.length === 1 ? numberOf(sessions[0]!.id) : null;
  const id = numberOf(nas.session_id) ?? only ?? 0;
  const session = device.sessions.get(id);
  const said = {
    apn: textOf(nas.apn),
    slice: textOf(nas.slice),
    ueAddress: textOf(nas.ue_address),
  };
  if (session !== undefined) learn(session, said);
  else if (said.apn + said.slice !== '' && id <= SESSION_NUMBER_MOST) device.asked.set(id, said);
}

const OPERATOR_PART = /\.mnc\d{3}\.mcc\d{3}\.gprs$/i;

/** What is said later holds, where it is said at all. */
function learn(session: Session, facts: Partial<SessionFacts>): void {
  const { apn, area, cell, ...texts } = facts;
  for (const [name, text] of Object.entries(texts) as [keyof typeof texts, string][]) {
    if (text !== '') session[name] = text;
  }
  if (apn !== undefined && apn !== '') session.apn = apn.replace(OPERATOR_PART, '');
  if (area !== undefined && area !== null) session.area = area;
  if (cell !== undefined && cell !== null) session.cell = cell;
}

function numberOf(value: TlvValue | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function textOf(value: TlvValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: TlvValue | undefined): readonly TlvValue[] {
  return Array.isArray(value) ? (value as readonly TlvValue[]) : [];
}

function objectOf(value: TlvValue): TlvObject {
  return typeof value === 'object' && !Array.isArray(value) ? (value as TlvObject) : {};
}
