import { EVENT_SCHEMA, EventField, EventType } from '../batch/generated/event_schema.js';
import { APP_NAMES } from '../batch/generated/names.js';
import {
  EndReasons,
  FlowFlags,
  FlowRowAbsent,
  FlowStates,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import type { AddressText } from './address_text.js';
import { encapName } from './encap_names.js';
import { bodyJson, eachField, planFields, readUnsigned, type FieldPlan } from './eve_body.js';
import { jsonBytes, jsonString } from './json_text.js';
import { hasPorts, IpProtocol, ipProtocolName, isIcmp } from './protocol_names.js';
import { eveTime } from './time_text.js';

const APP_UNKNOWN = 0;
const Detail = EventField.FLOW_DETAIL;
const GTP_U_PLAN = planOf(Detail.GTP_U_ID);
const SUBSCRIBER_PLAN = planOf(Detail.SUBSCRIBER_ID);
const TCP_FLAG_NAMES = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'] as const;
const END_REASON_NAMES = keysByValue(EndReasons);
const STATE_NAMES = keysByValue(FlowStates);

/** How EVE words the end of a flow. Our own word, IPFIX's, stands beside it in `thymus`. */
const EVE_REASONS: Readonly<Record<number, string>> = {
  [EndReasons.IDLE_TIMEOUT]: 'timeout',
  [EndReasons.ACTIVE_TIMEOUT]: 'timeout',
  [EndReasons.END_OF_FLOW_DETECTED]: 'timeout',
  [EndReasons.FORCED_END]: 'shutdown',
  [EndReasons.LACK_OF_RESOURCES]: 'forced',
};

const TCP_STATES: Readonly<Record<number, string>> = {
  [FlowStates.S0]: 'syn_sent',
  [FlowStates.S1]: 'established',
  [FlowStates.SF]: 'closed',
  [FlowStates.REJ]: 'closed',
  [FlowStates.RSTO]: 'closed',
  [FlowStates.RSTR]: 'closed',
  [FlowStates.SH]: 'fin_wait1',
};

/**
 * The event `flow` of EVE, once per flow, at its end. `timestamp` is the packet time of the last
 * packet, so that it stands on the same clock as all other events. IPv6 addresses are written as RFC
 * 5952 says. Members of our own are kept apart in `thymus`.
 */
export function flowLine(row: FlowRowView, detail: Buffer, addresses: AddressText): string {
  const texts = detailJson(detail);
  return (
    `{"timestamp":"${eveTime(row.tsLastUs)}","flow_id":${flowNumber(row.flowIdHigh, row.flowIdLow)},` +
    `"event_type":"flow"${vlanJson(row)}${endpointsJson(row, addresses)}` +
    `,"proto":"${ipProtocolName(row.protocol)}","ip_v":${row.ipVersion}${icmpJson(row)}` +
    (texts.spi === null ? '' : `,"spi":${texts.spi}`) +
    (row.app === APP_UNKNOWN ? '' : `,"app_proto":${jsonString(appName(row.app))}`) +
    `${appJson('app_proto_ts', texts.appTs)}${appJson('app_proto_tc', texts.appTc)}` +
    appJson('app_proto_orig', texts.appOrig) +
    `,"flow":${totalsJson(row)}` +
    (texts.communityId === '' ? '' : `,"community_id":${texts.communityId}`) +
    etherJson(texts) +
    (row.protocol === IpProtocol.TCP ? `,"tcp":${tcpJson(row)}` : '') +
    `${tunnelJson(row)},"thymus":${ownJson(row, texts)}}\n`
  );
}

/** The flow id as EVE has it: a number that JavaScript and JSON readers hold exactly. */
export function flowNumber(high: number, low: number): number {
  return (high & 0x1fffff) * 2 ** 32 + low;
}

export function appName(app: number): string {
  return APP_NAMES[app] ?? `app-${app}`;
}

function appJson(member: string, app: number): string {
  return app === APP_UNKNOWN ? '' : `,"${member}":${jsonString(appName(app))}`;
}

function endpointsJson(row: FlowRowView, addresses: AddressText): string {
  const orig = addresses.of(row.origAddr);
  const resp = addresses.of(row.respAddr);
  if (!hasPorts(row.protocol)) return `,"src_ip":"${orig}","dest_ip":"${resp}"`;
  return (
    `,"src_ip":"${orig}","src_port":${row.origPort}` +
    `,"dest_ip":"${resp}","dest_port":${row.respPort}`
  );
}

function icmpJson(row: FlowRowView): string {
  if (!isIcmp(row.protocol)) return '';
  return `,"icmp_type":${row.origPort >> 8},"icmp_code":${row.origPort & 0xff}`;
}

function totalsJson(row: FlowRowView): string {
  const age = Math.floor(row.tsLastUs / 1e6) - Math.floor(row.tsFirstUs / 1e6);
  return (
    `{"pkts_toserver":${row.origPackets},"pkts_toclient":${row.respPackets}` +
    `,"bytes_toserver":${row.origBytes},"bytes_toclient":${row.respBytes}` +
    `,"start":"${eveTime(row.tsFirstUs)}","end":"${eveTime(row.tsLastUs)}","age":${age}` +
    `,"state":"${flowState(row)}","reason":"${EVE_REASONS[row.endReason] ?? 'unknown'}"` +
    `,"alerted":false}`
  );
}

function flowState(row: FlowRowView): 'new' | 'established' | 'closed' {
  if (row.protocol !== IpProtocol.TCP) return row.respPackets > 0 ? 'established' : 'new';
  const state = tcpState(row);
  if (state === 'established' || state === 'closed') return state;
  return state === 'fin_wait1' ? 'established' : 'new';
}

function tcpState(row: FlowRowView): string {
  const bothWays = (row.flags & FlowFlags.BOTH_DIRECTIONS) !== 0;
  return TCP_STATES[row.state] ?? (bothWays ? 'established' : 'none');
}

function tcpJson(row: FlowRowView): string {
  const orig = row.origTcpFlags;
  const resp = row.respTcpFlags;
  let out = `{"tcp_flags":"${hexByte(orig | resp)}","tcp_flags_ts":"${hexByte(orig)}","tcp_flags_tc":"${hexByte(resp)}"`;
  for (let bit = 0; bit < TCP_FLAG_NAMES.length; bit++) {
    if (((orig | resp) >> bit) & 1) out += `,"${TCP_FLAG_NAMES[bit]}":true`;
  }
  return `${out},"state":"${tcpState(row)}"}`;
}

function vlanJson(row: FlowRowView): string {
  if (row.vlanOuter === FlowRowAbsent.vlanOuter) return '';
  const inner = row.vlanInner === FlowRowAbsent.vlanInner ? '' : `,${row.vlanInner}`;
  return `,"vlan":[${row.vlanOuter}${inner}]`;
}

function tunnelJson(row: FlowRowView): string {
  if (row.tunnelType === 0) return '';
  return `,"tunnel":{"type":"${encapName(row.tunnelType)}","id":${row.tunnelId},"depth":${row.encapDepth}}`;
}

function etherJson({ macOrig, macResp }: DetailJson): string {
  if (macOrig === '' && macResp === '') return '';
  return `,"ether":{"src_macs":[${macOrig}],"dest_macs":[${macResp}]}`;
}

function ownJson(row: FlowRowView, detail: DetailJson): string {
  const state = STATE_NAMES.get(row.state) ?? '';
  return (
    `{"end_reason":"${END_REASON_NAMES.get(row.endReason)?.toLowerCase() ?? 'unknown'}"` +
    (row.protocol === IpProtocol.TCP ? `,"conn_state":"${state}"${synJson(row, detail)}` : '') +
    (detail.history === '' ? '' : `,"history":${detail.history}`) +
    `${timesJson(row)}${ttlJson(row, detail)}` +
    (row.flags & FlowFlags.UNINSPECTED ? ',"uninspected":true' : '') +
    (row.flags & FlowFlags.SAMPLED ? ',"sampled":true' : '') +
    (detail.encap.length === 0 ? '' : `,"encap":["${detail.encap.join('","')}"]`) +
    (detail.gtpU.length === 0 ? '' : `,"gtp_u":[${detail.gtpU.join(',')}]`) +
    (detail.subscriber === '' ? '' : `,"subscriber":${detail.subscriber}`) +
    `}`
  );
}

/** What the client's first segment offered. */
function synJson(row: FlowRowView, { windowScale, tcpOptions }: DetailJson): string {
  if (row.origWindow === 0) return '';
  const mss = row.origMss === 0 ? '' : `,"mss":${row.origMss}`;
  const scale = windowScale === null ? '' : `,"window_scale":${windowScale}`;
  const options = tcpOptions === '' ? '' : `,"options":${tcpOptions}`;
  return `,"syn":{"window":${row.origWindow}${mss}${scale}${options}}`;
}

function timesJson(row: FlowRowView): string {
  const rtt = row.rttUs === FlowRowAbsent.rttUs ? '' : `,"rtt_us":${row.rttUs}`;
  if (row.serverTimeUs === FlowRowAbsent.serverTimeUs) return rtt;
  return `${rtt},"server_time_us":${row.serverTimeUs}`;
}

/** Lowest and highest time to live, or hop limit, of each side. */
function ttlJson(row: FlowRowView, { respTtlMax }: DetailJson): string {
  const orig = row.origTtlMax === 0 ? '' : `,"ttl_orig":[${row.origTtlMin},${row.origTtlMax}]`;
  return respTtlMax === null ? orig : `${orig},"ttl_resp":[${row.respTtlMin},${respTtlMax}]`;
}

/** The fields of `flow_detail` as JSON; empty where they are not there. */
interface DetailJson {
  history: string;
  macOrig: string;
  macResp: string;
  communityId: string;
  respTtlMax: number | null;
  windowScale: number | null;
  tcpOptions: string;
  encap: string[];
  appTs: number;
  appTc: number;
  appOrig: number;
  gtpU: string[];
  subscriber: string;
  spi: number | null;
}

function detailJson(detail: Buffer): DetailJson {
  const texts: DetailJson = {
    history: '',
    macOrig: '',
    macResp: '',
    communityId: '',
    respTtlMax: null,
    windowScale: null,
    tcpOptions: '',
    encap: [],
    appTs: APP_UNKNOWN,
    appTc: APP_UNKNOWN,
    appOrig: APP_UNKNOWN,
    gtpU: [],
    subscriber: '',
    spi: null,
  };
  eachField(detail, [0, detail.length], (number, from, to) => {
    if (from === to) return;
    switch (number) {
      case Detail.HISTORY:
        texts.history = jsonBytes(detail, from, to);
        break;
      case Detail.MAC_ORIG:
        texts.macOrig = macJson(detail, from, to);
        break;
      case Detail.MAC_RESP:
        texts.macResp = macJson(detail, from, to);
        break;
      case Detail.COMMUNITY_ID:
        texts.communityId = jsonBytes(detail, from, to);
        break;
      case Detail.RESP_TTL_MAX:
        texts.respTtlMax = readUnsigned(detail, from, to);
        break;
      case Detail.ORIG_WINDOW_SCALE:
        texts.windowScale = readUnsigned(detail, from, to);
        break;
      case Detail.ORIG_TCP_OPTIONS:
        texts.tcpOptions = jsonBytes(detail, from, to);
        break;
      case Detail.ENCAP:
        texts.encap.push(encapName(readUnsigned(detail, from, to)));
        break;
      case Detail.APP_TS:
        texts.appTs = readUnsigned(detail, from, to);
        break;
      case Detail.APP_TC:
        texts.appTc = readUnsigned(detail, from, to);
        break;
      case Detail.APP_ORIG:
        texts.appOrig = readUnsigned(detail, from, to);
        break;
      case Detail.GTP_U_ID:
        texts.gtpU.push(`{${bodyJson(GTP_U_PLAN, detail, from, to)}}`);
        break;
      case Detail.SUBSCRIBER_ID:
        texts.subscriber = `{${bodyJson(SUBSCRIBER_PLAN, detail, from, to)}}`;
        break;
      case Detail.SPI:
        texts.spi = readUnsigned(detail, from, to);
        break;
    }
  });
  return texts;
}

/** Of an object among the fields of `flow_detail`. */
function planOf(number: number): FieldPlan[] {
  return planFields(EVENT_SCHEMA.get(EventType.FLOW_DETAIL)!.fields[number - 1]!.fields);
}

function macJson(bytes: Buffer, from: number, to: number): string {
  return `"${bytes.toString('hex', from, to).replace(/..(?=.)/g, '$&:')}"`;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function keysByValue(names: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(names).map(([name, value]) => [value, name]));
}
