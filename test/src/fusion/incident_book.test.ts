import assert from 'node:assert/strict';
import type { Evidence, Stage } from '../../../src/domain/evidence.js';
import type { Alarm } from '../../../src/domain/incident.js';
import { LANES, type LaneId } from '../../../src/domain/lanes.js';
import { IncidentBook } from '../../../src/fusion/incident_book.js';
import { confidenceOf, severityOf } from '../../../src/fusion/judgement.js';
import { stageOf } from '../../../src/fusion/stage.js';
import { keyOf } from '../support/traffic.js';

const HOUR_US = 3600e6;

/** An alarm about `address` whose evidence speaks of `others`. */
function alarm(spec: {
  address: string;
  atUs: number;
  lane?: LaneId;
  others?: readonly string[];
  state?: Alarm['state'];
  lnWealth?: number;
  kind?: 'device' | 'external';
}): Alarm {
  const { address, atUs, lane = 'scan_horizontal', others = [], lnWealth = 17 } = spec;
  const { kind = 'device' } = spec;
  const entity = { kind, key: keyOf(address), address, proven: true } as const;
  const order = { timeUs: atUs, index: atUs, sub: 0 };
  const stage: Stage = LANES.find((row) => row.id === lane)!.stage;
  const evidence = others.map((other): Evidence => {
    const span = { t0Us: atUs - 1e6, t1Us: atUs, order };
    const words = { reason: 'because', attack: ['T1046'], features: [], flows: [] };
    return { lane, entity, other, ...span, p: 0.1, lnE: 2.5, stage, ...words };
  });
  const lanes = [{ lane, lnWealth }];
  const counts = { ticksRunning: 1, evidenceCount: evidence.length };
  const state = spec.state ?? 'open';
  return {
    entity,
    state,
    headline: 'did it',
    order,
    timeUs: atUs,
    lnWealth,
    lanes,
    evidence,
    ...counts,
  };
}

describe('IncidentBook', () => {
  const book = (...alarms: Alarm[]) => {
    const incidents = new IncidentBook();
    const opened = alarms.map((one) => incidents.add(one)?.id ?? null);
    return { opened, final: incidents.finish() };
  };

  it('opens one incident an entity, and lets it grow', () => {
    const { opened, final } = book(
      alarm({ address: '10.0.0.1', atUs: 1e6, others: ['10.0.0.50'] }),
      alarm({ address: '10.0.0.2', atUs: 2e6, others: ['10.0.0.60'] }),
      alarm({
        address: '10.0.0.1',
        atUs: 9e6,
        others: ['10.0.0.50', '10.0.0.51'],
        state: 'update',
        lnWealth: 40,
      }),
    );
    assert.deepEqual(opened, ['1', '2', null]);
    assert.deepEqual(
      final.map((i) => [i.id, i.entity.address, i.evidenceCount, i.lnWealth]),
      [
        ['1', '10.0.0.1', 2, 40],
        ['2', '10.0.0.2', 1, 17],
      ],
    );
    assert.equal(final[0]!.lastSeenUs, 9e6);
    assert.equal(final[0]!.openedUs, 1e6);
  });

  it('takes its stage from the detectors that it names', () => {
    const scan = alarm({ address: '10.0.0.1', atUs: 9e6, others: ['10.0.0.50'], lnWealth: 40 });
    const [weak] = alarm({
      address: '10.0.0.1',
      atUs: 1e6,
      lane: 'novelty',
      others: ['x'],
    }).evidence;
    const lanes = [...scan.lanes, { lane: 'novelty', lnWealth: -2 } as const];
    const { final } = book({ ...scan, lanes, evidence: [weak!, ...scan.evidence, weak!] });
    assert.deepEqual([final[0]!.stage, final[0]!.detectors], ['recon', ['scan_horizontal']]);
  });

  it('tells of growth once a tick, and not of what closes', () => {
    const incidents = new IncidentBook();
    const grown = (atUs: number, state: Alarm['state']): string | null => {
      incidents.add(alarm({ address: '10.0.0.1', atUs, others: ['10.0.0.50'], state }));
      return incidents.takeGrown()?.id ?? null;
    };
    const said = [
      grown(5e6, 'open'),
      grown(6e6, 'update'),
      grown(10e6, 'update'),
      grown(11e6, 'update'),
      grown(15e6, 'update'),
      grown(20e6, 'closed'),
    ];
    assert.deepEqual(said, [null, null, '1', null, '1', null]);
  });

  it('takes in an entity that evidence connects', () => {
    const { opened, final } = book(
      alarm({ address: '10.0.0.1', atUs: 1e6, others: ['10.0.0.20', '10.0.0.21', '10.0.0.22'] }),
      alarm({ address: '10.0.0.20', atUs: 5e6, lane: 'syn_flood' }),
    );
    assert.deepEqual(opened, ['1', null]);
    assert.deepEqual(final[0]!.detectors.toSorted(), ['scan_horizontal', 'syn_flood']);
    assert.ok(final[0]!.summary.includes('1 more host'));
  });

  it('makes one incident of two that a third alarm connects, under the older number', () => {
    const { opened, final } = book(
      alarm({ address: '10.0.0.1', atUs: 1e6, others: ['10.0.9.1', '10.0.9.2'] }),
      alarm({ address: '10.0.0.2', atUs: 2e6, others: ['10.0.9.3', '10.0.9.4'] }),
      alarm({ address: '10.0.0.3', atUs: 3e6, others: ['10.0.0.1', '10.0.0.2'] }),
    );
    assert.deepEqual(opened, ['1', '2', null]);
    assert.deepEqual(
      final.map((i) => i.id),
      ['1'],
    );
    assert.equal(final[0]!.evidenceCount, 6);
  });

  it('makes one incident of one cause: the same detector about the same peer', () => {
    const alarms = Array.from({ length: 30 }, (_, i) =>
      alarm({ address: `10.0.0.${i}`, atUs: i * 1e6, lane: 'new_edge', others: ['203.0.113.5'] }),
    );
    assert.equal(book(...alarms).final.length, 1);
    const other = alarm({
      address: '10.0.1.1',
      atUs: 9e7,
      lane: 'new_edge',
      others: ['203.0.113.9'],
    });
    assert.equal(book(...alarms, other).final.length, 2);
  });

  it('lets outside hosts that do what many do join a crowd, and none of ours', () => {
    const kind = 'external';
    const crowd = (lane: LaneId, of: 'device' | 'external'): Alarm[] =>
      Array.from({ length: 500 }, (_, i) => {
        const address = of === kind ? `198.18.${i >> 8}.${i & 255}` : `10.9.${i >> 8}.${i & 255}`;
        // Each tries hosts of its own choice.
        const others = [`10.0.${i & 255}.1`, `10.0.${(i * 7) & 255}.2`, `10.0.${(i * 3) & 255}.3`];
        return alarm({ address, atUs: 1e6 + i * 1e6, lane, others, kind: of });
      });
    const { final } = book(...crowd('scan_vertical', kind));
    assert.equal(final.length, 10);
    assert.match(final.at(-1)!.summary, /and 490 more hosts/);
    assert.equal(book(...crowd('scan_vertical', 'device')).final.length, 500);

    const inside = alarm({ address: '10.0.100.1', atUs: 6e8, others: ['10.0.200.9'] });
    const guessing = alarm({ address: '203.0.113.9', atUs: 7e8, kind, lane: 'brute_force' });
    const { opened } = book(...crowd('scan_vertical', kind), inside, guessing);
    assert.deepEqual(opened.slice(-2), ['11', '12']);
  });

  it('takes tens of thousands of entities with one cause, and keeps little of most', () => {
    const many = 20_000;
    const alarms = Array.from({ length: many }, (_, i) =>
      alarm({
        address: `10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
        atUs: i * 1000,
        lane: 'new_edge',
        others: Array.from({ length: 64 }, () => '203.0.113.5'),
      }),
    );
    const { final } = book(...alarms, ...alarms.slice(-100));
    assert.equal(final.length, 1);
    assert.ok(final[0]!.summary.includes(`${many - 1} more hosts`));
    assert.ok(final[0]!.evidence.length <= 64);
  });

  it('says an incident that was quiet for six hours once, and forgets it', () => {
    const incidents = new IncidentBook();
    incidents.add(alarm({ address: '10.0.0.1', atUs: 0, others: ['10.0.9.1'] }));
    assert.deepEqual(incidents.takeFinished(5.9 * HOUR_US), []);
    assert.deepEqual(
      incidents.takeFinished(6.1 * HOUR_US).map(({ id }) => id),
      ['1'],
    );
    assert.deepEqual(incidents.takeFinished(7 * HOUR_US), []);
    assert.deepEqual(incidents.finish(), []);
  });

  it('opens a new one after six quiet hours', () => {
    const one = (atUs: number): Alarm => alarm({ address: '10.0.0.1', atUs, others: ['10.0.9.1'] });
    assert.equal(book(one(0), one(5.9 * HOUR_US)).final.length, 1);
    assert.equal(book(one(0), one(6.1 * HOUR_US)).final.length, 2);
  });
});

describe('confidenceOf', () => {
  it('starts from odds of 1 to 10,000 and takes out the wealth of waiting', () => {
    const base = alarm({ address: '10.0.0.1', atUs: 0, lnWealth: Math.log(1e4) });
    assert.ok(Math.abs(confidenceOf(base) - 0.5) < 1e-9);
    assert.ok(Math.abs(confidenceOf({ ...base, ticksRunning: 9 }) - 0.1) < 1e-9);
    assert.ok(confidenceOf({ ...base, lnWealth: 5000 }) <= 1);
    const benign = { [base.lanes[0]!.lane]: Math.log(1 / 9) };
    assert.ok(Math.abs(confidenceOf(base, benign) - 0.1) < 1e-9);
  });
});

describe('stageOf', () => {
  const tagged = (stage: Stage, seconds: number): Evidence =>
    ({ stage, t1Us: seconds * 1e6 }) as Evidence;

  it('follows an attack along its chain and is not shouted down by a long scan', () => {
    const scan = Array.from({ length: 200 }, (_, i) => tagged('recon', i / 100));
    assert.equal(stageOf(scan), 'recon');
    const guessing = [20, 30, 40].map((seconds) => tagged('cred', seconds));
    assert.equal(stageOf([...scan, ...guessing]), 'cred');
    assert.equal(stageOf([tagged('impact', 1)]), 'impact');
  });
});

describe('severityOf', () => {
  const device = alarm({ address: '10.0.0.1', atUs: 0 }).entity;

  it('grows with the stage and with the entities', () => {
    assert.equal(severityOf([device], 'recon'), 'low');
    assert.equal(severityOf([device], 'cred'), 'medium');
    assert.equal(severityOf([device], 'impact'), 'high');
    assert.equal(severityOf([device, device], 'impact'), 'critical');
  });
});
