import assert from 'node:assert/strict';
import {
  incidentLines,
  rangesOf,
  type IncidentFacts,
} from '../../../bench/lab/data_set/label_lines.js';
import { MOST_PER_LINE, type LabelLine } from '../../../bench/lab/data_set/lines.js';
import { packetAt, type Packet } from '../../../bench/lab/pcap_file.js';
import { addressScan, conversation, inOrder, MORNING_US } from '../support/captures.js';

const SCANNER = '10.0.0.9';
const MAC = '02:00:00:00:00:01';
const FACTS: IncidentFacts = {
  incident: 'i1',
  kind: 'scan_horizontal',
  stage: 'recon',
  technique: 'T1046',
  techniqueName: 'Network Service Discovery',
  attackers: [SCANNER],
  attackerMacs: ['02:00:00:00:00:77'],
  victims: ['10.1.0.0/24'],
  intensity: 1,
  tool: 'nmap',
  split: 'tune',
};

const TALK = conversation(
  { from: '10.0.0.1', to: '10.0.0.2', fromPort: 4000, toPort: 80 },
  MORNING_US,
);
const PROBES = addressScan(SCANNER, 120, MORNING_US);
const ALL = inOrder(TALK, PROBES).map(({ timeUs, frame }) => packetAt(timeUs, Buffer.from(frame)));
const isProbe = ({ bytes }: Packet): boolean => bytes[16 + 26 + 3] === 9;
const POSITIONS = ALL.flatMap((packet, i) => (isProbe(packet) ? [i] : []));

const of = <Line extends LabelLine['line']>(
  lines: readonly LabelLine[],
  line: Line,
): Extract<LabelLine, { line: Line }>[] =>
  lines.filter((each): each is Extract<LabelLine, { line: Line }> => each.line === line);

describe('incidentLines', () => {
  const lines = incidentLines(FACTS, ALL, POSITIONS);

  it('counts packets and new five-tuples between the first and the last packet', () => {
    const [incident] = of(lines, 'incident');
    assert.equal(incident!.packets, 120);
    assert.equal(incident!.contacts, 120);
    assert.equal(incident!.onsetUs, MORNING_US);
    assert.equal(incident!.endUs, MORNING_US + 119 * 50_000);
    assert.deepEqual(incident!.entities, [SCANNER]);
  });

  it('names all positions of its packets and no other', () => {
    const ranges = of(lines, 'packets').flatMap((line) => line.ranges);
    const named = ranges.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    );
    assert.deepEqual(named, POSITIONS);
  });

  it('counts each packet of the attacker in one tick of five seconds', () => {
    const ticks = of(lines, 'tick').filter(({ entity }) => entity === SCANNER);
    const first = MORNING_US / 5e6;
    assert.deepEqual(
      ticks.map(({ tick, role, packets }) => [tick, role, packets]),
      [
        [first, 'attacker', 100],
        [first + 1, 'attacker', 20],
      ],
    );
  });

  it('marks who is attacked as affected', () => {
    const affected = of(lines, 'tick').filter(({ role }) => role === 'affected');
    assert.equal(affected.length, 120);
    assert.equal(affected[0]!.entity, '10.1.0.0');
  });

  it('leaves out who could have attacked and did not', () => {
    const facts = {
      ...FACTS,
      attackers: [SCANNER, '10.0.0.10'],
      attackerMacs: [MAC, MAC],
    };
    assert.deepEqual(of(incidentLines(facts, ALL, POSITIONS), 'incident')[0]!.attackers, [SCANNER]);
  });

  it('has no attacker where all sources are forged, and blames the victim for nothing', () => {
    const facts = { ...FACTS, attackers: [], attackerMacs: [MAC], victims: ['10.1.0.5'] };
    const forged = incidentLines(facts, ALL, POSITIONS.slice(5, 6));
    assert.deepEqual(
      of(forged, 'tick').map(({ entity, role }) => [entity, role]),
      [['10.1.0.5', 'affected']],
    );
    assert.deepEqual(of(forged, 'incident')[0]!.entities, ['10.1.0.5']);
    assert.equal(of(forged, 'incident')[0]!.contacts, 1);
  });

  it('blames who lies about an address on the link, not whose address it is', () => {
    const reply =
      '02000000000a0200000000770806000108000604000202000000007' + '70a00000102000000000a0a00000a';
    const packets = [packetAt(MORNING_US, Buffer.from(reply, 'hex'))];
    const facts = { ...FACTS, victims: ['10.0.0.10', '10.0.0.1'] };
    assert.deepEqual(
      of(incidentLines(facts, packets, [0]), 'tick').map(({ entity, role }) => [entity, role]),
      [
        [SCANNER, 'attacker'],
        ['10.0.0.10', 'affected'],
      ],
    );
  });

  it('counts who was infected as an attacker from its own first contact on', () => {
    const infection = conversation(
      { from: SCANNER, to: '10.0.0.10', fromPort: 4000, toPort: 4444 },
      MORNING_US,
    );
    const own = addressScan('10.0.0.10', 3, MORNING_US + 5_000_000, 4444);
    const packets = inOrder(infection, own).map(({ timeUs, frame }) =>
      packetAt(timeUs, Buffer.from(frame)),
    );
    const facts = {
      ...FACTS,
      attackers: [SCANNER, '10.0.0.10', '10.0.0.11'],
      attackerMacs: [MAC, MAC, MAC],
      victims: ['10.0.0.10'],
    };
    const told = incidentLines(
      facts,
      packets,
      packets.map((_, i) => i),
    );
    assert.deepEqual(of(told, 'incident')[0]!.attackers, [SCANNER, '10.0.0.10']);
    assert.equal(of(told, 'incident')[0]!.contacts, 4);
    const first = MORNING_US / 5e6;
    assert.deepEqual(
      of(told, 'tick')
        .filter(({ entity }) => entity === '10.0.0.10')
        .map(({ tick, role }) => [tick, role]),
      [
        [first, 'affected'],
        [first + 1, 'attacker'],
      ],
    );
  });

  it('cuts long lists into lines', () => {
    const many = addressScan(SCANNER, MOST_PER_LINE + 1, MORNING_US).map(({ timeUs, frame }) =>
      packetAt(timeUs, Buffer.from(frame)),
    );
    const positions = many.map((_, i) => i);
    const contacts = of(incidentLines(FACTS, many, positions), 'contacts');
    assert.deepEqual(
      contacts.map(({ timesUs }) => timesUs.length),
      [MOST_PER_LINE, 1],
    );
  });
});

describe('rangesOf', () => {
  it('joins neighbours, both ends included', () => {
    assert.deepEqual(rangesOf([0, 1, 2, 5, 7, 8]), [
      [0, 2],
      [5, 5],
      [7, 8],
    ]);
    assert.deepEqual(rangesOf([]), []);
  });
});
