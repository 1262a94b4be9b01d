import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressScan,
  conversation,
  inOrder,
  MORNING_US,
  writePcap,
  type Packet,
} from '../support/captures.js';
import { eveEvents, thymus } from '../support/thymus.js';

const PC = '10.0.0.5';
const SERVER = '10.0.0.20';
const STATIONS: Readonly<Record<string, string>> = {
  [PC]: '020000000105',
  [SERVER]: '020000000120',
};
const STRANGER = '020000000166';
const SOURCE_MAC_AT = 6;
const SOURCE_IP_AT = 26;

/** Each frame from the station that has its source address. */
function fromOwn(packets: readonly Packet[]): Packet[] {
  return packets.map((packet) => {
    const source = packet.frame.subarray(SOURCE_IP_AT, SOURCE_IP_AT + 4).join('.');
    return from(STATIONS[source]!, packet);
  });
}

function from(station: string, { timeUs, frame }: Packet): Packet {
  const copy = Buffer.from(frame);
  copy.set(Buffer.from(station, 'hex'), SOURCE_MAC_AT);
  return { timeUs, frame: copy };
}

describe('a source address that somebody forges', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-forged-'))));
  after(() => rmSync(folder, { recursive: true }));

  /** Whether the gate `proven` is passed for what would be done about a scan from this station. */
  const isProven = async (station: string): Promise<boolean> => {
    const work = Array.from({ length: 30 }, (_, i) =>
      conversation(
        { from: PC, to: SERVER, fromPort: 50_000 + i, toPort: 445 },
        MORNING_US + i * 1e6,
      ),
    ).flat();
    const scan = addressScan(PC, 80, MORNING_US + 40e6, 22).map((packet) => from(station, packet));
    const path = writePcap(join(folder, `${station}.pcap`), inOrder(fromOwn(work), scan));
    const args = ['replay', '--no-store', '--quiet', '--eve', '-', '--respond=auto', path];
    const { code, out, err } = await thymus(args);
    assert.equal(code, 0, err);
    const incident = eveEvents(out).find((event) => event['event_type'] === 'incident');
    const { proposals, entity } = incident!['incident'] as {
      readonly entity: { readonly address: string };
      readonly proposals: readonly {
        readonly unattended: boolean;
        readonly gates: readonly { readonly name: string; readonly passed: boolean }[];
      }[];
    };
    assert.equal(entity.address, PC);
    const [first] = proposals;
    assert.equal(first!.unattended, false);
    return first!.gates.find(({ name }) => name === 'proven')!.passed;
  };

  it('is told from that of the host itself by the station on the link', async () => {
    assert.equal(await isProven(STATIONS[PC]!), true);
    assert.equal(await isProven(STRANGER), false);
  });
});
