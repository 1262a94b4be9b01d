import { isIpv4 } from '../batch/address.js';
import { EVENT_SCHEMA, EventField, EventType } from '../batch/generated/event_schema.js';
import { ANOMALY_NAMES } from '../batch/generated/names.js';
import { FlowRoles, type EventRowView } from '../batch/generated/record_layout.js';
import type { AddressText } from './address_text.js';
import type { CommunityIds } from './community_ids.js';
import { bodyJson, eachValue, planFields, readUnsigned, type FieldPlan } from './eve_body.js';
import { DNS_HEAD, DNS_PLAN, dnsGrouped } from './eve_dns.js';
import { flowNumber } from './eve_flow.js';
import { hasPorts, ipProtocolName } from './protocol_names.js';
import { eveTime } from './time_text.js';

/** Shows the members of an event's own object, without its braces. */
type ShowBody = (body: Buffer) => string;

/** Where EVE shows a kind of event in another form than its schema. */
const SPECIAL_BODIES: Readonly<Record<number, ShowBody>> = {
  [EventType.ANOMALY]: anomalyBody,
  [EventType.DNS]: dnsBody,
};

interface EventShape {
  readonly name: string;
  readonly own: ShowBody;
  /** Fields that stand beside the own object. */
  readonly beside: readonly FieldPlan[];
}

/** By the number of the kind. */
const SHAPES: ReadonlyMap<number, EventShape> = new Map(
  [...EVENT_SCHEMA].map(([type, { name, fields }]) => {
    const plan = planFields(fields);
    const inside = plan.filter((field) => !field.beside);
    const own: ShowBody =
      SPECIAL_BODIES[type] ?? ((body) => bodyJson(inside, body, 0, body.length));
    return [type, { name, own, beside: plan.filter((field) => field.beside) }];
  }),
);

/** One event of the core as a line of EVE; empty for a kind that this version does not know. */
export function eventLine(
  row: EventRowView,
  body: Buffer,
  addresses: AddressText,
  communityIds: CommunityIds,
): string {
  const shape = SHAPES.get(row.type);
  if (shape === undefined) return '';
  const { name, own } = shape;
  const beside = bodyJson(shape.beside, body, 0, body.length);
  const flow = flowNumber(row.flowIdHigh, row.flowIdLow);
  const flowId = flow === 0 ? '' : `,"flow_id":${flow}`;
  const communityId = flow === 0 ? '' : `,"community_id":"${communityIds.of(flow, row)}"`;
  return (
    `{"timestamp":"${eveTime(row.tsUs)}"${flowId}${packetJson(row)}` +
    `,"event_type":"${name}"${endpointsJson(row, addresses)}` +
    `,"pkt_src":"${hasPacket(row) ? 'wire/pcap' : 'stream (flow timeout)'}"${communityId}` +
    `,"${name}":{${own(body)}}${beside === '' ? '' : `,${beside}`}}\n`
  );
}

/** Whether a packet let the event out, and not a timer or the end of its flow. */
function hasPacket(row: EventRowView): boolean {
  return (row.roles & FlowRoles.NO_PACKET) === 0;
}

function packetJson(row: EventRowView): string {
  return hasPacket(row) ? `,"pcap_cnt":${row.orderIndex + 1}` : '';
}

/** Frames that ended before their addresses were known have none: all bytes are zero. */
function endpointsJson(row: EventRowView, addresses: AddressText): string {
  const src = row.srcAddr;
  const dst = row.dstAddr;
  if (isZero(src) && isZero(dst)) return '';
  const ports = hasPorts(row.protocol);
  return (
    `,"src_ip":"${addresses.of(src)}"${ports ? `,"src_port":${row.srcPort}` : ''}` +
    `,"dest_ip":"${addresses.of(dst)}"${ports ? `,"dest_port":${row.dstPort}` : ''}` +
    `,"proto":"${ipProtocolName(row.protocol)}","ip_v":${isIpv4(src, 0) ? 4 : 6}`
  );
}

function dnsBody(body: Buffer): string {
  const fields = bodyJson(DNS_PLAN, body, 0, body.length);
  return `${DNS_HEAD}${fields === '' ? '' : `,${fields}`}${dnsGrouped(body)}`;
}

function anomalyBody(body: Buffer): string {
  let code = 0;
  eachValue(EventField.ANOMALY.CODE, body, [0, body.length], (from, to) => {
    code = readUnsigned(body, from, to);
  });
  return anomalyJson(ANOMALY_NAMES[code] ?? `anomaly.${code}`);
}

/** Our names say where they belong, "applayer.dns.z_flag_set"; EVE says it in members. */
function anomalyJson(name: string): string {
  if (name.startsWith('decoder.')) return `"type":"decode","event":"${name}"`;
  if (name.startsWith('stream.')) return `"type":"stream","event":"${name}"`;
  const [, detected] = /^applayer\.proto_detect\.(.+)$/.exec(name) ?? [];
  if (detected !== undefined) {
    return `"type":"applayer","event":"${detected}","layer":"proto_detect"`;
  }
  const [, app, event] = /^applayer\.([^.]+)\.(.+)$/.exec(name) ?? [];
  const appProto = app === undefined ? '' : `"app_proto":"${app}",`;
  return `${appProto}"type":"applayer","event":"${event ?? name}","layer":"proto_parser"`;
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
