import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { indexPage } from '../../bench/lab/index_page.js';
import type { AttackLabel, Labels } from '../../bench/lab/labels.js';
import { inTimeOrder, timesOf } from '../../bench/lab/pcap_file.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PCAPS = join(ROOT, 'pcaps');
const REPLAY_LIMIT_MS = 120_000;

const { captures } = JSON.parse(readFileSync(join(PCAPS, 'labels.json'), 'utf8')) as Labels;
const attacks = captures.flatMap(({ file, attack }) => (attack === null ? [] : [{ file, attack }]));

/** The part of an `incident` event that says when and about whom. */
interface IncidentEvent {
  readonly event_type: string;
  readonly timestamp: string;
  readonly src_ip?: string;
  readonly dest_ip?: string;
  readonly incident: {
    readonly entity: { readonly address: string };
    readonly others: readonly string[];
    readonly summary: string;
  };
}

describe('bundled captures', () => {
  it('are all labelled, and all labels have a capture', () => {
    const files = readdirSync(PCAPS).filter((name) => name.includes('.pcap'));
    assert.deepEqual(files.sort(), captures.map(({ file }) => file).sort());
    assert.equal(attacks.length, 4);
    assert.equal(captures.length - attacks.length, 1);
  });

  it('have an index that says what the labels say', () => {
    assert.equal(readFileSync(join(PCAPS, 'INDEX.md'), 'utf8'), indexPage(captures));
  });

  for (const label of captures) {
    it(`${label.file} is as labelled`, () => {
      const packed = readFileSync(join(PCAPS, label.file));
      assert.equal(createHash('sha256').update(packed).digest('hex'), label.sha256);
      const { packets, firstUs, lastUs, backward } = timesOf(gunzipSync(packed));
      assert.deepEqual(
        { packets, firstUs, lastUs, backward },
        {
          packets: label.packets,
          firstUs: label.firstPacketUs,
          lastUs: label.lastPacketUs,
          backward: 0,
        },
      );
    });
  }

  for (const { file, attack } of attacks) {
    it(`${file} has its office at work before and after the attack`, () => {
      const label = captures.find((each) => each.file === file)!;
      assert.ok(attack.firstPacketUs - label.firstPacketUs > 10e6);
      assert.ok(attack.lastPacketUs > attack.firstPacketUs);
      assert.ok(label.lastPacketUs - attack.lastPacketUs > 5e6);
    });
  }
});

describe('replay of the bundled captures', function () {
  this.timeout(2 * REPLAY_LIMIT_MS);
  let folder: string;

  before(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-lab-'))));
  after(() => rmSync(folder, { recursive: true }));

  const incidentsIn = (files: readonly string[]): IncidentEvent[] => {
    const eve = join(folder, `${files.length}-${files[0]!}.json`);
    const paths = files.map((file) => join(PCAPS, file));
    const args = [join(ROOT, 'bin/thymus'), 'replay', '--no-store', '--eve', eve, ...paths];
    const run = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: REPLAY_LIMIT_MS });
    assert.equal(run.status, 0, run.stderr);
    const events = readFileSync(eve, 'utf8').trimEnd().split('\n');
    return events
      .map((line) => JSON.parse(line) as IncidentEvent)
      .filter((event) => event.event_type === 'incident');
  };

  for (const { file } of captures.filter(({ kind }) => kind === 'benign')) {
    it(`${file} has no incident`, () => {
      assert.deepEqual(incidentsIn([file]).map(told), []);
    });
  }

  for (const { file, attack } of attacks) {
    it(`${file} has an incident that names the culprit, and none about anyone else`, () => {
      const incidents = incidentsIn([file]);
      assert.ok(
        incidents.some((event) => namesCulprit(event, attack)),
        'the attack was missed',
      );
      assert.deepEqual(incidents.filter((event) => !isAbout(event, attack)).map(told), []);
    });
  }

  it('as one stream finds each attack and nothing else', () => {
    const incidents = incidentsIn(captures.map(({ file }) => file));
    for (const { file, attack } of attacks) {
      assert.ok(
        incidents.some((event) => namesCulprit(event, attack)),
        `${file} was missed`,
      );
    }
    const wrong = incidents.filter(
      (event) => !attacks.some(({ attack }) => isAbout(event, attack)),
    );
    assert.deepEqual(wrong.map(told), []);
  });
});

describe('pcap_file of the lab', () => {
  it('tells how many packets there are, and when', () => {
    const times = timesOf(pcapOf([1_500_000, 2_000_001]));
    assert.deepEqual(times, { packets: 2, firstUs: 1_500_000, lastUs: 2_000_001, backward: 0 });
  });

  it('counts times that go backward, and sorts them away with their packets', () => {
    const swapped = pcapOf([1, 3, 2, 4]);
    assert.equal(timesOf(swapped).backward, 1);
    assert.deepEqual(inTimeOrder(swapped), pcapOf([1, 2, 3, 4]));
  });

  it('refuses what is no pcap', () => {
    assert.throws(() => timesOf(Buffer.from('no capture at all, but long enough')), /not a little/);
  });

  it('refuses a capture that is cut', () => {
    const whole = pcapOf([1, 2]);
    assert.throws(() => timesOf(whole.subarray(0, whole.length - 1)), /cut/);
  });
});

/** Packets whose only bytes are their time. */
function pcapOf(timesUs: readonly number[]): Buffer {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const packets = timesUs.map((timeUs) => {
    const seconds = Math.floor(timeUs / 1e6);
    return Buffer.from(Uint32Array.of(seconds, timeUs - seconds * 1e6, 4, 4, timeUs).buffer);
  });
  return Buffer.concat([header, ...packets]);
}

/** Names the attacker, or the victim where the sources are forged; not before it began. */
function namesCulprit(event: IncidentEvent, attack: AttackLabel): boolean {
  const culprits = attack.attacker === null ? attack.victims : [attack.attacker];
  return microseconds(event.timestamp) >= attack.firstPacketUs && names(event, culprits);
}

function isAbout(event: IncidentEvent, attack: AttackLabel): boolean {
  const involved = attack.attacker === null ? attack.victims : [attack.attacker, ...attack.victims];
  return microseconds(event.timestamp) >= attack.firstPacketUs && names(event, involved);
}

function names({ src_ip, dest_ip, incident }: IncidentEvent, hosts: readonly string[]): boolean {
  const named = [src_ip, dest_ip, incident.entity.address, ...incident.others];
  return hosts.some((host) => named.includes(host));
}

function told(event: IncidentEvent): string {
  return `${event.timestamp} ${event.incident.entity.address}: ${event.incident.summary}`;
}

/** Of a time such as 2026-11-20T20:54:56.123456+0000. */
function microseconds(timestamp: string): number {
  const match = /^(\S{19})\.(\d{6})\+0000$/.exec(timestamp);
  assert.ok(match, `${timestamp} is no time in UTC`);
  return Date.parse(`${match[1]!}Z`) * 1000 + Number(match[2]);
}
