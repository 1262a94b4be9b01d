import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MORNING_US, udpFrame, writePcap, type Packet } from '../support/captures.js';
import { eveEvents, thymus } from '../support/thymus.js';

/** Packets whose events are judged, from the wire to the incident, whatever lanes and shards. */

const BROADCAST = 'ffffffffffff';
const GATEWAY = { ip: '10.0.0.1', mac: '001122000001' };
const VICTIM = { ip: '10.0.0.20', mac: '001122000020' };
const ATTACKER = { ip: '10.0.0.66', mac: '001122000066' };

const ipBytes = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

function arpReply(at: number, from: { ip: string; mac: string }): Packet {
  const frame = Buffer.concat([
    Buffer.from(BROADCAST + from.mac + '0806' + '0001080006040002' + from.mac, 'hex'),
    ipBytes(from.ip),
    Buffer.from(VICTIM.mac, 'hex'),
    ipBytes(VICTIM.ip),
    Buffer.alloc(18),
  ]);
  return { timeUs: MORNING_US + at * 1e6, frame };
}

function question(at: number, name: string, id: number): Packet {
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(label);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  const header = Buffer.from('000001000001000000000000', 'hex');
  header.writeUInt16BE(id, 0);
  const tail = Buffer.from('0000100001', 'hex');
  const ends = { from: VICTIM.ip, to: '10.0.0.53', fromPort: 40_000 + (id % 7), toPort: 53 };
  const frame = udpFrame(ends, Buffer.concat([header, ...labels, tail]));
  return { timeUs: MORNING_US + at * 1e6, frame };
}

/** A number in base 32 that looks like data. */
function data(i: number, length: number): string {
  let state = i * 2_654_435_761 + 1;
  let out = '';
  while (out.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out += (state >>> 27).toString(32);
  }
  return out;
}

describe('events that are judged, in a replay', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-events-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  async function incidents(packets: Packet[], ways: readonly string[]): Promise<string[]> {
    const capture = writePcap(join(folder, 'judged.pcap'), packets);
    const eve = join(folder, 'eve.json');
    const { code, err } = await thymus(['replay', '--eve', eve, ...ways, capture]);
    assert.equal(code, 0, err);
    return eveEvents(readFileSync(eve, 'utf8'))
      .filter((event) => event.event_type === 'incident')
      .map((event) => JSON.stringify(event));
  }

  const WAYS = [[], ['--lanes', '2', '--shards', '3']];

  it('tell of data in DNS names', async () => {
    const packets = Array.from({ length: 40 }, (_, i) =>
      question(i, `${data(i, 40)}.${data(i + 1000, 30)}.t.example.org`, i + 1),
    );
    const one = await incidents(packets, WAYS[0]!);
    assert.equal(one.length, 1);
    assert.match(one[0]!, /"address":"10\.0\.0\.20".*dns_tunnel/);
    assert.deepEqual(await incidents(packets, WAYS[1]!), one);
  });

  it('tell of who claims the address of others', async () => {
    const packets: Packet[] = [];
    for (let at = 0; at < 200; at += 10) {
      packets.push(arpReply(at, GATEWAY), arpReply(at + 1, VICTIM), arpReply(at + 2, ATTACKER));
      if (at < 60) continue;
      packets.push(arpReply(at + 4, { ip: GATEWAY.ip, mac: ATTACKER.mac }));
      packets.push(arpReply(at + 6, { ip: GATEWAY.ip, mac: ATTACKER.mac }));
    }
    const one = await incidents(packets, WAYS[0]!);
    assert.equal(one.length, 1);
    assert.match(one[0]!, /"address":"10\.0\.0\.66".*binding/);
    assert.deepEqual(await incidents(packets, WAYS[1]!), one);
  });
});
