import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
        if (imsis.size > 0) assert.ok([...imsis].some((known) => imsi.endsWith(known)), what);
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
