import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endsOf } from '../../../bench/lab/data_set/frame_ends.js';
import { incidentLines, type IncidentFacts } from '../../../bench/lab/data_set/label_lines.js';
import type { HostLine, LabelLine } from '../../../bench/lab/data_set/lines.js';
import { merged, overlay } from '../../../bench/lab/data_set/overlay.js';
import {
  FULL,
  overlaysOf,
  recordingsOf,
  type Overlaying,
} from '../../../bench/lab/data_set/plan.js';
import { DataSet } from '../../../bench/lab/data_set/store.js';
import { frameOf, packetAt, type Packet } from '../../../bench/lab/pcap_file.js';
import { addressScan, conversation, inOrder, MORNING_US } from '../support/captures.js';

const ONCE = { ...FULL, repeats: 1, overlays: 1, intensities: [1], only: /^scan_horizontal-nmap$/ };
const [LAID] = overlaysOf(ONCE, recordingsOf(ONCE));

const HOUR_US = 3_600_000_000;
const SCANNER = device('pc4', '10.20.0.104', '02:00:00:00:00:01');
const OTHER = device('pc6', '10.20.0.106', '00:16:3e:14:00:6a');
const FACTS: IncidentFacts = {
  incident: 'i1',
  kind: 'scan_horizontal',
  stage: 'recon',
  technique: 'T1046',
  techniqueName: 'Network Service Discovery',
  attackers: [SCANNER.addresses[0]!],
  attackerMacs: [SCANNER.mac!],
  victims: ['10.1.0.0/24'],
  intensity: 1,
  tool: 'nmap',
  split: 'tune',
};

describe('overlay', () => {
  let folder: string;
  let set: DataSet;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-set-'));
    set = new DataSet(folder);
    set.add(factsOf('benign-session-s1', 'benign'), talks(MORNING_US + HOUR_US), [SCANNER, OTHER]);
    const attack = inOrder(
      conversation({ from: '10.0.0.1', to: '10.0.0.2', fromPort: 1, toPort: 80 }, MORNING_US),
      addressScan(SCANNER.addresses[0]!, 60, MORNING_US + 1_000_000),
    ).map(({ timeUs, frame }) => packetAt(timeUs, Buffer.from(frame)));
    const positions = attack.flatMap((_, i) => (i < 8 ? [] : [i]));
    const name = LAID!.recording.name;
    set.add(factsOf(name, 'attack'), attack, [SCANNER, ...incidentLines(FACTS, attack, positions)]);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const lay = (overlaying: Overlaying): { packets: Packet[]; labels: LabelLine[] } => {
    overlay(overlaying, set);
    return { packets: set.packets(overlaying.name), labels: set.labels(overlaying.name) };
  };
  const incidentOf = (labels: readonly LabelLine[]): Extract<LabelLine, { line: 'incident' }> =>
    labels.find((line) => line.line === 'incident')!;

  it('adds the packets of the attack and nothing else to the benign capture', () => {
    const { packets, labels } = lay(LAID!);
    assert.equal(packets.length, set.packets('benign-session-s1').length + 60);
    assert.equal(incidentOf(labels).packets, 60);
    assert.equal(incidentOf(labels).contacts, 60);
  });

  it('makes another device the attacker, in packets and labels', () => {
    const { packets, labels } = lay(LAID!);
    const { attackers, attackerMacs, entities } = incidentOf(labels);
    assert.deepEqual(
      [attackers, attackerMacs, entities],
      [OTHER.addresses, [OTHER.mac], OTHER.addresses],
    );
    const own = labels
      .filter((line) => line.line === 'packets')
      .flatMap(({ ranges }) => ranges.flatMap(([first, last]) => packets.slice(first, last + 1)));
    assert.equal(own.length, 60);
    for (const packet of own) {
      const { source, sourceMac } = endsOf(frameOf(packet));
      assert.deepEqual([source, sourceMac], [OTHER.addresses[0], OTHER.mac]);
    }
  });

  it('lays it within the benign time, in the order of time', () => {
    const { packets, labels } = lay(LAID!);
    const times = packets.map(({ timeUs }) => timeUs);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    const { onsetUs, endUs } = incidentOf(labels);
    assert.ok(onsetUs > times[0]! && endUs < times.at(-1)!);
  });

  it('stretches pauses by so much and chance', () => {
    const { labels } = lay({ ...LAID!, stretch: 20, intensity: 0.05 });
    const { onsetUs, endUs, intensity } = incidentOf(labels);
    const seconds = (endUs - onsetUs) / 1e6;
    // 59 gaps of 50 ms, of which 30 are stretched by 20 and 0.8 to 1.25.
    assert.ok(seconds > 59 * 0.03 * 16 && seconds < 59 * (0.02 + 0.03 * 25), String(seconds));
    assert.equal(intensity, 0.05);
  });

  it('is the same each time', () => {
    const [first, second] = [lay(LAID!), lay(LAID!)];
    assert.deepEqual(first, second);
  });

  it('says from where it is', () => {
    lay(LAID!);
    const { origin, base, recording, split } = new DataSet(folder).line(LAID!.name);
    assert.deepEqual(
      { origin, base, recording, split },
      {
        origin: 'overlay',
        base: 'benign-session-s1',
        recording: LAID!.recording.name,
        split: 'tune',
      },
    );
  });

  it('refuses a benign capture of the other split', () => {
    const testing = { ...LAID!, recording: { ...LAID!.recording, split: 'test' as const } };
    assert.throws(() => lay(testing), /no benign capture to test/);
  });
});

describe('merged', () => {
  const at = (...timesUs: number[]): Packet[] =>
    timesUs.map((timeUs) => packetAt(timeUs, Buffer.of(timeUs)));
  const timesOf = (packets: readonly Packet[]): number[] => packets.map(({ timeUs }) => timeUs);

  it('keeps the order of time, the benign packet first where both are the same', () => {
    const { packets, positions } = merged(at(1, 3, 5), at(0, 3, 9));
    assert.deepEqual(timesOf(packets), [0, 1, 3, 3, 5, 9]);
    assert.deepEqual(positions, [0, 3, 5]);
  });

  it('has no positions where nothing is added', () => {
    assert.deepEqual(merged(at(1, 2), []).positions, []);
  });
});

describe('the plan of the data set', () => {
  const recordings = recordingsOf(FULL);

  it('records each attack at three intensities three times', () => {
    const names = recordings.filter(({ play }) => play === 'worm-own').map(({ name }) => name);
    assert.deepEqual(names.sort(), [
      'worm-own-x005-s1',
      'worm-own-x005-s2',
      'worm-own-x005-s3',
      'worm-own-x025-s1',
      'worm-own-x025-s2',
      'worm-own-x025-s3',
      'worm-own-x1-s1',
      'worm-own-x1-s2',
      'worm-own-x1-s3',
    ]);
  });

  it('uses a tool for tuning or for testing, never for both', () => {
    const splits = new Map<string, Set<string>>();
    for (const { attack } of recordings) {
      if (attack === null || attack.tool.startsWith('own ')) continue;
      const tool = `${attack.kind} ${attack.tool}`;
      splits.set(tool, (splits.get(tool) ?? new Set()).add(attack.split));
    }
    assert.ok([...splits.values()].every((of) => of.size === 1));
  });

  it('gives each capture a name of its own', () => {
    const names = [...recordings, ...overlaysOf(FULL, recordings)].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it('slows a beacon by its pauses', () => {
    const slow = overlaysOf(FULL, recordings).find(
      ({ name }) => name === 'overlay-beacon-steady-x005-s2-o1',
    )!;
    assert.equal(slow.recording.name, 'beacon-steady-x1-s2');
    assert.deepEqual([slow.stretch, slow.intensity], [20, 0.05]);
  });
});

function device(name: string, address: string, mac: string): HostLine {
  return { line: 'host', name, kind: 'device', addresses: [address], mac };
}

function factsOf(name: string, role: 'benign' | 'attack'): Parameters<DataSet['add']>[0] {
  const rest = { split: 'tune', origin: 'recorded', base: null, recording: null } as const;
  return { name, role, ...rest, seed: 1, acceleration: 1, devices: 2 };
}

/** Ten minutes with a conversation every ten seconds. */
function talks(startUs: number): Packet[] {
  return Array.from({ length: 60 }, (_, i) =>
    conversation(
      { from: '10.20.0.106', to: '10.20.0.10', fromPort: 4000 + i, toPort: 80 },
      startUs + i * 10_000_000,
    ),
  )
    .flat()
    .map(({ timeUs, frame }) => packetAt(timeUs, Buffer.from(frame)));
}
