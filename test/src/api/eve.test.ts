import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AddressText } from '../../../src/api/address_text.js';
import { CommunityIds } from '../../../src/api/community_ids.js';
import { encapName } from '../../../src/api/encap_names.js';
import { eventLine } from '../../../src/api/eve_event.js';
import { flowLine } from '../../../src/api/eve_flow.js';
import { incidentEnds } from '../../../src/api/eve_incident.js';
import { EveFile } from '../../../src/api/eve.js';
import { EventField, EventType } from '../../../src/batch/generated/event_schema.js';
import { ANOMALY_NAMES, APP_NAMES } from '../../../src/batch/generated/names.js';
import {
  FlowRoles,
  FlowRowOffset,
  type EventRowView,
  type FlowRowView,
} from '../../../src/batch/generated/record_layout.js';
import { flowRef, scanEvidence, scanIncident, summaryOf } from './incidents.js';
import { eventRow, flowRow, T0_US, tlv, tlvs, v4, v6 } from './rows.js';

const NO_DETAIL = Buffer.alloc(0);
const Dns = EventField.DNS;
const Detail = EventField.FLOW_DETAIL;

/** What the tests look at; a line may hold anything, which is what they find out. */
interface Event {
  readonly timestamp: string;
  readonly event_type: string;
  readonly [member: string]: unknown;
  readonly flow: Record<string, unknown>;
  readonly tcp: Record<string, unknown>;
  readonly dns: Record<string, unknown> & { readonly queries: readonly { rrname: string }[] };
  readonly stats: { readonly decoder: { readonly pkts: number } };
  readonly incident: {
    readonly entity: unknown;
    readonly attack: unknown;
    readonly evidence: readonly {
      readonly features: readonly { readonly observed: number }[];
      readonly flows: readonly { readonly flow_id: number }[];
    }[];
  };
}
const parsed = (line: string): Event => JSON.parse(line) as Event;
const flowJson = (row: FlowRowView, detail: Buffer = NO_DETAIL): Event =>
  parsed(flowLine(row, detail, new AddressText()));
const eventJson = (row: EventRowView, body: Buffer, ids = new CommunityIds()): Event =>
  parsed(eventLine(row, body, new AddressText(), ids));
const dnsJson = (body: Buffer): Event => eventJson(eventRow({ type: EventType.DNS }), body);

describe('eve flow', () => {
  it('shows the SYN, hop limits, times and carriers of a flow among its own members', () => {
    const detail = tlvs(
      tlv(Detail.RESP_TTL_MAX, 61),
      tlv(Detail.ORIG_WINDOW_SCALE, 7),
      tlv(Detail.ENCAP, 1),
      tlv(Detail.ENCAP, 2),
    );
    const row = flowRow({ origTtlMin: 63, origTtlMax: 64, respTtlMin: 60, rttUs: 1500 });
    assert.deepEqual(flowJson(row, detail)['thymus'], {
      end_reason: 'end_of_flow_detected',
      conn_state: 'SF',
      rtt_us: 1500,
      ttl_orig: [63, 64],
      ttl_resp: [60, 61],
      encap: ['gtpu', 'vxlan'],
    });
    const syn = flowRow();
    syn.u8.set([0xf0, 0xfa], FlowRowOffset.origWindow);
    syn.u8.set([0xb4, 0x05], FlowRowOffset.origMss);
    const own = flowJson(syn, detail)['thymus'] as { readonly syn: unknown };
    assert.deepEqual(own.syn, { window: 64240, mss: 1460, window_scale: 7 });
  });

  it('says what Suricata says of a finished TCP flow', () => {
    const detail = tlvs(
      tlv(Detail.HISTORY, 'ShADadFf'),
      tlv(Detail.MAC_ORIG, Uint8Array.of(2, 0, 0, 0, 0, 0xaa)),
      tlv(Detail.COMMUNITY_ID, '1:abc='),
    );
    const event = flowJson(flowRow(), detail);
    assert.deepEqual(event, {
      timestamp: '2026-11-20T20:20:02.623456+0000',
      flow_id: 2 ** 32 + 7,
      event_type: 'flow',
      src_ip: '10.0.0.5',
      src_port: 49152,
      dest_ip: '192.0.2.80',
      dest_port: 443,
      proto: 'TCP',
      ip_v: 4,
      flow: {
        pkts_toserver: 6,
        pkts_toclient: 4,
        bytes_toserver: 900,
        bytes_toclient: 5000,
        start: '2026-11-20T20:20:00.123456+0000',
        end: '2026-11-20T20:20:02.623456+0000',
        age: 2,
        state: 'closed',
        reason: 'timeout',
        alerted: false,
      },
      community_id: '1:abc=',
      ether: { src_macs: ['02:00:00:00:00:aa'], dest_macs: [] },
      tcp: {
        tcp_flags: '1b',
        tcp_flags_ts: '1b',
        tcp_flags_tc: '13',
        fin: true,
        syn: true,
        psh: true,
        ack: true,
        state: 'closed',
      },
      thymus: { end_reason: 'end_of_flow_detected', conn_state: 'SF', history: 'ShADadFf' },
    });
  });

  it('names a security association by its index', () => {
    const event = flowJson(flowRow({ protocol: 50 }), tlv(Detail.SPI, 0x12345678));
    assert.equal(event['spi'], 0x12345678);
    assert.equal(event['dest_port'], undefined);
  });

  it('says what one side alone speaks and what the flow was before', () => {
    const detail = tlvs(
      tlv(Detail.APP_TC, APP_NAMES.indexOf('ssh')),
      tlv(Detail.APP_ORIG, APP_NAMES.indexOf('smtp')),
    );
    const event = flowJson(flowRow({ app: APP_NAMES.indexOf('http') }), detail);
    assert.equal(event['app_proto'], 'http');
    assert.equal(event['app_proto_tc'], 'ssh');
    assert.equal(event['app_proto_orig'], 'smtp');
    assert.equal('app_proto_ts' in event, false);
  });

  it('has no ports for ICMP, but type and code', () => {
    const event = flowJson(flowRow({ protocol: 1, origPort: 0x0800, respPort: 77 }));
    assert.equal(event.proto, 'ICMP');
    assert.deepEqual([event.icmp_type, event.icmp_code], [8, 0]);
    assert.ok(!('src_port' in event) && !('dest_port' in event) && !('tcp' in event));
  });

  it('names the state of flows without an answer and of those cut by the end of input', () => {
    const silent = flowJson(flowRow({ protocol: 17, respPackets: 0, respBytes: 0, endReason: 4 }));
    assert.deepEqual([silent.flow.state, silent.flow.reason], ['new', 'shutdown']);
    const syn = flowJson(flowRow({ state: 1, flags: 0, endReason: 1 }));
    assert.deepEqual(
      [syn.flow.state, syn.flow.reason, syn.tcp.state],
      ['new', 'timeout', 'syn_sent'],
    );
  });

  it('shows VLANs and tunnels', () => {
    const event = flowJson(
      flowRow({ vlanOuter: 1, vlanInner: 10, tunnelType: 1, tunnelId: 4711, encapDepth: 1 }),
    );
    assert.deepEqual(event.vlan, [1, 10]);
    assert.deepEqual(event.tunnel, { type: 'gtpu', id: 4711, depth: 1 });
    assert.deepEqual(flowJson(flowRow({ vlanOuter: 6 })).vlan, [6]);
  });

  it('writes IPv6 addresses in canonical form', () => {
    const event = flowJson(
      flowRow({
        ipVersion: 6,
        origAddr: v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        respAddr: v6(0, 0, 0, 0, 0, 0, 0, 1),
      }),
    );
    assert.deepEqual([event.src_ip, event.dest_ip], ['2001:db8::1', '::1']);
  });
});

describe('eve dns', () => {
  const answer = (type: number, data: string): Buffer =>
    tlv(
      Dns.ANSWERS_ID,
      tlvs(
        tlv(Dns.ANSWERS.RRNAME, 'example.com'),
        tlv(Dns.ANSWERS.RRTYPE, type),
        tlv(Dns.ANSWERS.TTL, 300),
        tlv(Dns.ANSWERS.RDATA, data),
      ),
    );
  const query = tlv(
    Dns.QUERIES_ID,
    tlvs(tlv(Dns.QUERIES.RRNAME, 'example.com'), tlv(Dns.QUERIES.RRTYPE, 1)),
  );

  it('has the shape of version 3', () => {
    const body = tlvs(
      tlv(Dns.TYPE, 'response'),
      tlv(Dns.TX_ID, 0),
      tlv(Dns.ID, 49711),
      tlv(Dns.FLAGS, 0x8180),
      tlv(Dns.OPCODE, 0),
      tlv(Dns.RCODE, 3),
      tlv(Dns.QR, 1),
      tlv(Dns.AA, 0),
      tlv(Dns.RD, 1),
      query,
      answer(5, 'www.example.com'),
      answer(1, '192.0.2.1'),
      answer(1, '192.0.2.2'),
    );
    const event = dnsJson(body);
    assert.equal(event.pcap_cnt, 42);
    assert.equal(event.pkt_src, 'wire/pcap');
    const rr = { rrname: 'example.com', ttl: 300 };
    assert.deepEqual(event.dns, {
      version: 3,
      type: 'response',
      tx_id: 0,
      id: 49711,
      flags: '8180',
      opcode: 0,
      rcode: 'NXDOMAIN',
      qr: true,
      rd: true,
      queries: [{ rrname: 'example.com', rrtype: 'A' }],
      answers: [
        { ...rr, rrtype: 'CNAME', rdata: 'www.example.com' },
        { ...rr, rrtype: 'A', rdata: '192.0.2.1' },
        { ...rr, rrtype: 'A', rdata: '192.0.2.2' },
      ],
      grouped: { CNAME: ['www.example.com'], A: ['192.0.2.1', '192.0.2.2'] },
    });
  });

  it('keeps names that are no text', () => {
    const named = (name: Uint8Array): string =>
      dnsJson(tlv(Dns.QUERIES_ID, tlv(Dns.QUERIES.RRNAME, name))).dns.queries[0]!.rrname;
    assert.equal(named(Buffer.from('a"b\\c\n\x7f')), 'a"b\\c\n\x7f');
    assert.equal(named(Buffer.from('grün.example')), 'grün.example');
    assert.equal(named(Uint8Array.of(0x61, 0xff, 0x62)), 'a\\xffb');
    const body = tlv(Dns.QUERIES_ID, tlv(Dns.QUERIES.RRNAME, 'grün'));
    const shared = Buffer.from(new SharedArrayBuffer(body.length));
    shared.set(body);
    assert.equal(dnsJson(shared).dns.queries[0]!.rrname, 'grün');
  });

  it('stays JSON for every truncation of a body', () => {
    const body = tlvs(tlv(Dns.TYPE, 'response'), query, answer(1, '192.0.2.1'), answer(999, ''));
    for (let size = 0; size <= body.length; size++) {
      assert.equal(dnsJson(Buffer.from(body.subarray(0, size))).dns.version, 3);
    }
  });

  it('stays JSON for every change of one byte of a body', () => {
    const body = tlvs(tlv(Dns.TYPE, 'response'), query, answer(1, '192.0.2.1'));
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body);
      changed[at] = changed[at]! ^ 0xff;
      assert.equal(dnsJson(changed).event_type, 'dns');
    }
  });
});

describe('eve event of a flow', () => {
  const client = { address: v4(192, 168, 1, 52), port: 54585 };
  const server = { address: v4(8, 8, 8, 8), port: 53 };
  const sent = (from: typeof client, to: typeof client): EventRowView =>
    eventRow({
      type: EventType.DNS,
      srcAddr: from.address,
      srcPort: from.port,
      dstAddr: to.address,
      dstPort: to.port,
    });

  it('has the community id of the flow, whoever sent it', () => {
    for (const row of [sent(client, server), sent(server, client)]) {
      assert.equal(eventJson(row, NO_DETAIL)['community_id'], '1:d/FP5EW3wiY1vCndhwleRRKHowQ=');
    }
  });

  it('has no packet where a timer or the end of the flow let it out', () => {
    const { NO_PACKET, PUBLISH } = FlowRoles;
    const event = eventJson(
      eventRow({ type: EventType.DNS, roles: PUBLISH | NO_PACKET }),
      NO_DETAIL,
    );
    assert.equal('pcap_cnt' in event, false);
    assert.equal(event['pkt_src'], 'stream (flow timeout)');
  });

  it('computes it once', () => {
    const ids = new CommunityIds();
    const row = sent(client, server);
    assert.equal(ids.of(1, row), ids.of(1, sent(client, client)));
    assert.notEqual(ids.of(1, row), ids.of(2, sent(client, client)));
  });
});

describe('eve anomaly', () => {
  it('names type and event', () => {
    const body = tlv(EventField.ANOMALY.CODE, 1);
    const row = eventRow({ type: EventType.ANOMALY, flowIdLow: 0, srcAddr: v6(), dstAddr: v6() });
    const event = eventJson(row, body);
    assert.deepEqual(event.anomaly, { type: 'decode', event: ANOMALY_NAMES[1] });
    assert.ok(!('src_ip' in event) && !('flow_id' in event) && !('community_id' in event));
  });
});

describe('eve anomaly of an application', () => {
  it('names the protocol apart from the event', () => {
    const code = ANOMALY_NAMES.indexOf('applayer.dns.z_flag_set');
    const body = tlv(EventField.ANOMALY.CODE, code);
    assert.deepEqual(eventJson(eventRow({ type: EventType.ANOMALY }), body).anomaly, {
      app_proto: 'dns',
      type: 'applayer',
      event: 'z_flag_set',
      layer: 'proto_parser',
    });
  });
});

describe('eve anomaly of recognition', () => {
  it('has a layer of its own', () => {
    const name = 'applayer.proto_detect.APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS';
    const body = tlv(EventField.ANOMALY.CODE, ANOMALY_NAMES.indexOf(name));
    assert.deepEqual(eventJson(eventRow({ type: EventType.ANOMALY }), body)['anomaly'], {
      type: 'applayer',
      event: 'APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS',
      layer: 'proto_detect',
    });
  });
});

describe('incidentEnds', () => {
  const flood = scanEvidence({ lane: 'syn_flood', flows: [] });

  it('takes the victim of a flood for the destination', () => {
    const incident = scanIncident({ detectors: ['syn_flood'], evidence: [flood] });
    assert.deepEqual(incidentEnds(incident), { dest_ip: '10.0.0.66' });
  });

  it('takes both ends from the flows where they are the same in all', () => {
    const evidence = scanEvidence({ flows: [flowRef(1), flowRef(1)] });
    const ends = { src_ip: '10.0.0.66', dest_ip: '10.0.0.1' };
    assert.deepEqual(incidentEnds(scanIncident({ evidence: [evidence] })), ends);
    const victim = { ...scanIncident().entity, address: '10.0.0.1' };
    assert.deepEqual(incidentEnds(scanIncident({ entity: victim, evidence: [evidence] })), ends);
  });

  it('names no host for a segment', () => {
    const entity = { kind: 'segment', key: 1, address: '10.0.0.0/24', proven: true } as const;
    assert.deepEqual(incidentEnds(scanIncident({ entity, evidence: [flood] })), {});
  });
});

describe('encapName', () => {
  it('has the names of the core, in its order', () => {
    const header = readFileSync(
      new URL('../../../../native/decode/packet_view.h', import.meta.url),
      'utf8',
    );
    const list = /enum class Encap : uint8_t \{([^}]*)\}/.exec(header)![1]!;
    const names = list.split(',').map((name) => name.trim().slice(1).toLowerCase());
    const ours = names.filter((name) => name !== '').map((_, type) => encapName(type));
    assert.deepEqual(
      ours,
      names.filter((name) => name !== ''),
    );
  });
});

describe('EveFile', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-eve-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('writes every kind of event as a line', async () => {
    const path = join(folder, 'all.json');
    const sink = new EveFile(path);
    sink.onFlow(flowRow(), NO_DETAIL);
    sink.onEvent(eventRow({ type: EventType.DNS, srcAddr: v4(10, 0, 0, 9) }), NO_DETAIL);
    sink.onIncident(scanIncident(), 'opened');
    sink.onIncident(scanIncident(), 'final');
    sink.onCaptureError({ path: 'x.pcap', kind: 'damaged', error: 'cut short' }, T0_US);
    sink.onSummary(summaryOf({ packets: 10 }));
    await sink.end();
    const events = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => parsed(line));
    assert.deepEqual(
      events.map((event) => event.event_type),
      ['flow', 'dns', 'incident', 'capture_error', 'stats'],
    );
    const incident = events[2]!;
    assert.equal(incident.timestamp, '2026-11-20T20:20:12.123456+0000');
    assert.equal(incident.src_ip, '10.0.0.66');
    assert.ok(!('dest_ip' in incident), 'several hosts were scanned');
    assert.deepEqual(incident.incident.entity, {
      kind: 'device',
      address: '10.0.0.66',
      proven: true,
    });
    assert.deepEqual(incident.incident.attack, ['T1046', 'T1018']);
    assert.equal(incident.incident.evidence[0]!.features[0]!.observed, 34);
    assert.equal(incident.incident.evidence[0]!.flows[0]!.flow_id, 0x1f);
    assert.equal(events[4]!.stats.decoder.pkts, 10);
  });

  it('says in one sentence why a file cannot be written', () => {
    assert.throws(() => new EveFile(join(folder, 'none', 'x.json')), {
      code: 'OUTPUT_FAILED',
      message: /^Cannot write .*x\.json: its directory does not exist; create it first\.$/,
    });
    assert.throws(() => new EveFile(folder), { code: 'OUTPUT_FAILED', message: /is a directory/ });
  });

  it('says when the disk is full', async () => {
    const sink = new EveFile('/dev/full');
    sink.onFlow(flowRow(), NO_DETAIL);
    await assert.rejects(sink.end(), { code: 'OUTPUT_FAILED', message: /the disk is full/ });
    await sink.end();
  });
});
