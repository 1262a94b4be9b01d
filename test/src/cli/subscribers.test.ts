import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MORNING_US, udpFrame, writePcap, type Packet } from '../support/captures.js';
import { eveEvents, thymus } from '../support/thymus.js';

/**
 * Whose the flows in GTP-U are, beside what tshark reads in the same captures. THYMUS_CAPTURES names
 * a folder of captures of 4G and 5G cores, with signalling and tunnelled packets; files that hold
 * only one of them are passed over.
 */

const FIELDS = [
  's1ap.MME_UE_S1AP_ID',
  'ngap.AMF_UE_NGAP_ID',
  'gtpv2.seq',
  'e212.imsi',
  'nas_5gs.mm.suci.msin',
  'nas_eps.esm.pdn_ipv4',
  'nas_5gs.sm.pdu_addr_inf_ipv4',
  'gtpv2.pdn_addr_and_prefix.ipv4',
  'gsm_a.gm.sm.apn',
  'gtpv2.apn',
  'nas_5gs.cmn.dnn',
  'ngap.sST',
] as const;

/** What signalling says of one address of a device. An IMSI may be known by its last digits only. */
interface Expected {
  readonly imsis: Set<string>;
  readonly apns: Set<string>;
  readonly slices: Set<string>;
}

/** Everything that is said under one number of a device or of a transaction belongs together. */
function expectationsOf(capture: string): Map<string, Expected> {
  const decipher = ['-o', 'nas-5gs.null_decipher:TRUE', '-o', 'nas-eps.null_decipher:TRUE'];
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const args = ['-r', capture, ...decipher, '-Y', 's1ap||ngap||gtpv2', '-T', 'fields', ...fields];
  const { stdout } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const byAddress = new Map<string, Expected>();
  const imsiOf = new Map<string, string>();
  const apnOf = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [mme, amf, seq, imsi, msin, ...rest] = line.split('\t').map((v) => v.split(',')[0]!);
    const [epsIp, fivegIp, gtpIp, nasApn, gtpApn, dnn, sst] = rest;
    const context = mme ? `mme${mme}` : amf ? `amf${amf}` : seq ? `gtp${seq}` : '';
    if (context === '') continue;
    if (imsi || msin) imsiOf.set(context, imsi || msin!);
    const apn = nasApn || gtpApn || dnn;
    if (apn) apnOf.set(context, apn);
    const address = [epsIp, fivegIp, gtpIp].find((ip) => ip && ip !== '0.0.0.0');
    if (address === undefined) continue;
    const expected = byAddress.get(address) ?? newExpected();
    byAddress.set(address, expected);
    if (imsiOf.has(context)) expected.imsis.add(imsiOf.get(context)!);
    if (apnOf.has(context)) expected.apns.add(apnOf.get(context)!);
    if (sst) expected.slices.add(String(Number.parseInt(sst, 16)));
  }
  return byAddress;
}

const newExpected = (): Expected => ({ imsis: new Set(), apns: new Set(), slices: new Set() });

interface Subscriber {
  readonly imsi?: string;
  readonly apn?: string;
  readonly slice?: string;
}

interface FlowEvent {
  readonly src_ip: string;
  readonly dest_ip: string;
  readonly thymus: { readonly gtp_u?: unknown; readonly subscriber?: Subscriber };
}

// ---- Made captures: a session of GTPv2-C between MME and gateway, and a packet inside its tunnel.

const MME = '10.1.0.1';
const GATEWAY = '10.1.0.2';
const ENB = '10.1.0.3';
const UPLINK_TEID = 0x77;
const IMSI = '001010123456789';
const CREATE_REQUEST = 32;
const CREATE_RESPONSE = 33;

const u16 = (n: number): number[] => [n >> 8, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 65535)];
const ip = (text: string): number[] => text.split('.').map(Number);
const element = (type: number, value: readonly number[]): number[] => [
  type,
  ...u16(value.length),
  0,
  ...value,
];
const bcd = (digits: string): number[] =>
  (digits.padEnd(digits.length + (digits.length % 2), 'f').match(/../g) ?? []).map((pair) =>
    Number.parseInt(pair[1]! + pair[0]!, 16),
  );

function gtpv2(type: number, sequence: number, elements: readonly number[][]): Uint8Array {
  const body = [...u32(0), 0, ...u16(sequence), 0, ...elements.flat()];
  return Uint8Array.from([0x48, type, ...u16(body.length), ...body]);
}

const fTeid = (kind: number, teid: number, address: string): number[] =>
  element(87, [0x80 | kind, ...u32(teid), ...ip(address)]);

function createRequest(timeUs: number, imsi = IMSI, sequence = 1): Packet {
  const ends = { from: MME, to: GATEWAY, fromPort: 2123, toPort: 2123 };
  const apn = element(71, [8, ...Buffer.from('internet')]);
  const own = fTeid(10, 0x11, MME);
  const payload = gtpv2(CREATE_REQUEST, sequence, [element(1, bcd(imsi)), apn, own]);
  return { timeUs, frame: udpFrame(ends, payload) };
}

function createResponse(timeUs: number, device = '10.45.0.2', cause = 16): Packet {
  const ends = { from: GATEWAY, to: MME, fromPort: 2123, toPort: 2123 };
  const bearer = element(93, fTeid(1, UPLINK_TEID, GATEWAY));
  const payload = gtpv2(CREATE_RESPONSE, 1, [
    element(2, [cause, 0]),
    fTeid(11, 0x12, GATEWAY),
    element(79, [1, ...ip(device)]),
    bearer,
  ]);
  return { timeUs, frame: udpFrame(ends, payload) };
}

function uplink(timeUs: number, device = '10.45.0.2'): Packet {
  const inner = { from: device, to: '192.0.2.1', fromPort: 40000, toPort: 9999 };
  const packet = udpFrame(inner, Uint8Array.from([1, 2, 3])).subarray(14);
  const payload = [0x30, 0xff, ...u16(packet.length), ...u32(UPLINK_TEID), ...packet];
  const outer = { from: ENB, to: GATEWAY, fromPort: 2152, toPort: 2152 };
  return { timeUs, frame: udpFrame(outer, Uint8Array.from(payload)) };
}

const at = (seconds: number): number => MORNING_US + seconds * 1e6;

const FOLDER = process.env['THYMUS_CAPTURES'];
const HAS_TSHARK = spawnSync('tshark', ['--version']).status === 0;

describe('subscribers of flows in GTP-U', function () {
  this.timeout(120_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-subscribers-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function flowsOf(capture: string, ...flags: string[]): Promise<FlowEvent[]> {
    const eve = join(folder, 'eve.json');
    const state = ['--no-store', '--state', join(folder, 'state')];
    const args = ['replay', '--quiet', ...state, ...flags, '--eve', eve, capture];
    assert.equal((await thymus(args)).code, 0);
    return eveEvents(readFileSync(eve, 'utf8')).filter(
      (event) => event['event_type'] === 'flow',
    ) as unknown as FlowEvent[];
  }

  /** What is said of the one flow in the tunnel. */
  async function subscriberOf(packets: Packet[], ...flags: string[]): Promise<Subscriber> {
    const capture = writePcap(join(folder, 'made.pcap'), packets);
    const flows = (await flowsOf(capture, ...flags)).filter((flow) => flow.thymus.gtp_u);
    assert.equal(flows.length, 1);
    return flows[0]!.thymus.subscriber ?? {};
  }
  const CLEAR = ['--identities', 'clear'];

  it('have what the accepted session says, for any number of lanes', async () => {
    const packets = [createRequest(at(0)), createResponse(at(0.1)), uplink(at(1))];
    for (const lanes of ['1', '2', '3']) {
      assert.deepEqual(await subscriberOf(packets, ...CLEAR, '--lanes', lanes), {
        imsi: IMSI,
        apn: 'internet',
        ue_address: '10.45.0.2',
        confirmed: true,
      });
    }
  });

  it('may be known after their first packet, but not after their last', async () => {
    const session = [createRequest(at(5)), createResponse(at(5.1))];
    const late = await subscriberOf([uplink(at(1)), ...session, uplink(at(6))], ...CLEAR);
    assert.equal(late.imsi, IMSI);
    assert.deepEqual(await subscriberOf([uplink(at(1)), ...session], ...CLEAR), {});
  });

  it('are nobody’s when the session was refused', async () => {
    const refused = [createRequest(at(0)), createResponse(at(0.1), '10.45.0.2', 73)];
    assert.deepEqual(await subscriberOf([...refused, uplink(at(1))], ...CLEAR), {});
  });

  it('stay whose they were while forged requests name the same tunnel', async () => {
    const other = '001019999999999';
    const forged = Array.from({ length: 50 }, (_, i) => createRequest(at(0.5), other, 100 + i));
    const packets = [createRequest(at(0)), createResponse(at(0.1)), ...forged, uplink(at(1))];
    assert.equal((await subscriberOf(packets, ...CLEAR)).imsi, IMSI);
  });

  it('are hashed under the key of the installation, or the one that is given', async () => {
    const packets = [createRequest(at(0)), createResponse(at(0.1)), uplink(at(1))];
    const own = (await subscriberOf(packets)).imsi;
    assert.match(own!, /^hash:[0-9a-f]{16}$/);
    assert.equal((await subscriberOf(packets)).imsi, own);
    const file = join(folder, 'key');
    writeFileSync(file, '000102030405060708090a0b0c0d0e0f\n');
    const given = (await subscriberOf(packets, '--identity-key', file)).imsi;
    assert.notEqual(given, own);
    assert.equal((await subscriberOf(packets, '--identity-key', file)).imsi, given);
    assert.equal(statSync(join(folder, 'state/identity.key')).mode & 0o777, 0o600);
  });

  it('need a key that is one', async () => {
    const capture = writePcap(join(folder, 'made.pcap'), [uplink(at(0))]);
    const file = join(folder, 'no-key');
    writeFileSync(file, 'secret');
    const { code, err } = await thymus(['replay', '--identity-key', file, capture]);
    assert.equal(code, 2);
    assert.match(err, /must be 32 hexadecimal digits/);
  });

  if (FOLDER === undefined || !existsSync(FOLDER)) {
    it('are compared with tshark where THYMUS_CAPTURES names a folder of captures');
    return;
  }
  if (!HAS_TSHARK) {
    it('are compared with tshark where it is installed');
    return;
  }

  for (const name of readdirSync(FOLDER).filter((file) => /\.pcap(ng)?$/.test(file))) {
    it(`are those that tshark finds in ${name}`, async function () {
      const capture = join(FOLDER, name);
      const byAddress = expectationsOf(capture);
      const flows = (await flowsOf(capture, '--identities', 'clear')).filter(
        (flow) => flow.thymus.gtp_u !== undefined,
      );
      let compared = 0;
      for (const { src_ip: src, dest_ip: dest, thymus: own } of flows) {
        const expected = byAddress.get(src) ?? byAddress.get(dest);
        if (expected === undefined) continue;
        compared++;
        const { imsi = '', apn = '', slice = '' } = own.subscriber ?? {};
        const { imsis, apns, slices } = expected;
        const what = `${src} to ${dest}: ${JSON.stringify(own)}`;
        if (imsis.size > 0)
          assert.ok(
            [...imsis].some((known) => imsi.endsWith(known)),
            what,
          );
        if (apns.size > 0) assert.ok(apns.has(apn), what);
        if (slices.size > 0) assert.ok(slices.has(slice), what);
      }
      if (compared === 0) this.skip();
    });

    it(`have one hash each in ${name}, the same for two lanes`, async () => {
      const capture = join(FOLDER, name);
      const one = await flowsOf(capture, '--lanes', '1');
      const two = await flowsOf(capture, '--lanes', '2');
      assert.deepEqual(two, one);
      const clear = await flowsOf(capture, '--identities', 'clear');
      const hashes = new Map<string, string>();
      for (const [i, flow] of one.entries()) {
        const hash = flow.thymus.subscriber?.imsi;
        const imsi = clear[i]!.thymus.subscriber?.imsi;
        assert.equal(hash === undefined, imsi === undefined);
        if (hash === undefined || imsi === undefined) continue;
        assert.match(hash, /^hash:[0-9a-f]{16}$/);
        assert.equal(hashes.get(imsi) ?? hash, hash);
        hashes.set(imsi, hash);
      }
      assert.equal(new Set(hashes.values()).size, hashes.size);
    });
  }
});
