import assert from 'node:assert/strict';

import { techniqueText } from '../../../src/api/attack_names.js';
import { explainText } from '../../../src/api/explain.js';
import { plainBytes, plainNumber, plainPercent } from '../../../src/api/plain_words.js';
import { COLOUR_INK, lookOf, PLAIN_INK } from '../../../src/api/text_layout.js';
import { incidentListText, reportText, type Report } from '../../../src/api/text_report.js';
import { eveTime, plainSpan } from '../../../src/api/time_text.js';
import type { Incident } from '../../../src/domain/incident.js';
import { LANES } from '../../../src/domain/lanes.js';
import { assertGolden } from './golden.js';
import { scanEvidence, scanIncident, summaryOf } from './incidents.js';

const RUN = '20261120-202000';

function guessing(): Incident {
  const features = [
    {
      feature: 'short sessions with one server, per minute',
      observed: 137.333,
      expectedMedian: 0.25,
      expectedP99: 4.5,
      scope: 'group',
      lnEShare: 30,
      nRef: 12345,
    },
    {
      feature: 'bytes per session',
      observed: 2_345_678,
      expectedMedian: 1e6,
      expectedP99: 9e6,
      scope: 'self',
      lnEShare: 4,
      nRef: 80,
    },
  ] as const;
  return scanIncident({
    id: '2',
    severity: 'high',
    confidence: 0.9999999,
    openedUs: scanIncident().openedUs + 400e6,
    entity: {
      kind: 'device',
      key: 3,
      address: '2001:db8:1234:5678:9abc:def0:1234:5678',
      proven: false,
    },
    others: Array.from({ length: 40 }, (_, i) => `10.0.0.${i + 1}`),
    detectors: ['brute_force', 'new_edge', 'scan_vertical'],
    attack: ['T1110'],
    stage: 'cred',
    summary:
      '2001:db8:1234:5678:9abc:def0:1234:5678 guesses passwords of 10.0.0.9 on SSH: 412 short sessions in 3 minutes, about 2 a second.',
    evidence: [
      scanEvidence({
        lane: 'brute_force',
        p: 0.03,
        reason: '412 sessions on port 22 ended within two seconds.',
        features,
        other: '10.0.0.9',
      }),
    ],
    evidenceCount: 90,
  });
}

const FULL: Report = {
  runId: RUN,
  incidents: [scanIncident(), guessing()],
  summary: summaryOf({
    counters: [
      ['table_evictions', 12],
      ['queue_drops', 0],
    ],
    sources: [
      { path: 'a.pcap', kind: 'ok', error: null },
      {
        path: 'b.pcap',
        kind: 'damaged',
        error: 'b.pcap is cut short after 1,204 packets; what comes before was read.',
      },
    ],
  }),
};

describe('reportText', () => {
  for (const width of [80, 100]) {
    const look = { width, ink: PLAIN_INK };

    it(`shows incidents in ${width} columns`, () => {
      const text = reportText(FULL, look);
      assert.ok(text.split('\n').every((line) => line.length <= width));
      assertGolden(`report_${width}.txt`, text);
    });

    it(`explains in ${width} columns`, () => {
      const text = FULL.incidents
        .map((one) => explainText(one, `${RUN}/${one.id}`, look))
        .join('\n');
      assert.ok(text.split('\n').every((line) => line.length <= width));
      assertGolden(`explain_${width}.txt`, text);
    });
  }

  it('lists the incidents of a run that was kept', () => {
    const look = { width: 80, ink: PLAIN_INK };
    assertGolden('list.txt', incidentListText(FULL.incidents, RUN, look));
    assert.match(incidentListText([], RUN, look), /^Run 20261120-202000\n\nNo incident/);
  });

  it('is short and friendly when there is nothing to tell', () => {
    const look = { width: 80, ink: PLAIN_INK };
    assertGolden(
      'quiet.txt',
      reportText({ summary: summaryOf(), incidents: [], runId: RUN }, look),
    );
  });

  it('says that a run was stopped, and that nothing was read', () => {
    const summary = summaryOf({ packets: 0, interrupted: true });
    const text = reportText({ summary, incidents: [], runId: null }, { width: 80, ink: PLAIN_INK });
    assert.match(text, /^No packets were read\.\n/);
    assert.match(text, /! Stopped before the end/);
  });

  it('differs in colour only', () => {
    const coloured = reportText(FULL, { width: 80, ink: COLOUR_INK });

    const bare = coloured.replace(/\x1b\[\d+m/g, '');
    assert.equal(bare, reportText(FULL, { width: 80, ink: PLAIN_INK }));
    assert.notEqual(bare, coloured);
  });
});

describe('lookOf', () => {
  it('has colour on a terminal only, and not with NO_COLOR', () => {
    assert.equal(lookOf({ isTTY: true, columns: 80 }, {}).ink, COLOUR_INK);
    assert.equal(lookOf({ isTTY: true, columns: 80 }, { NO_COLOR: '1' }).ink, PLAIN_INK);
    assert.equal(lookOf({ isTTY: true, columns: 80 }, { TERM: 'dumb' }).ink, PLAIN_INK);
    assert.equal(lookOf({}, {}).ink, PLAIN_INK);
  });

  it('keeps the width between 60 and 100', () => {
    const widths = [20, 80, 300].map((columns) => lookOf({ isTTY: true, columns }, {}).width);
    assert.deepEqual(widths, [60, 80, 100]);
  });
});

describe('plain words', () => {
  it('numbers', () => {
    const texts = [0, 0.25, 4.5, 33.333, 99.96, 137.333, 1234567.8, 0.00001, NaN].map(plainNumber);
    assert.deepEqual(texts, [
      '0',
      '0.25',
      '4.5',
      '33.3',
      '100',
      '137',
      '1,234,568',
      '1.0e-5',
      'unknown',
    ]);
  });

  it('bytes', () => {
    const texts = [0, 999, 1000, 28_400_000, 999_999, 5e12].map(plainBytes);
    assert.deepEqual(texts, ['0 bytes', '999 bytes', '1 kB', '28.4 MB', '1 MB', '5 TB']);
  });

  it('never calls anything certain', () => {
    const texts = [1, 0.9999, 0.9981, 0.95, 0.004, 0].map(plainPercent);
    assert.deepEqual(texts, ['> 99.9 %', '> 99.9 %', '99.8 %', '95 %', '< 1 %', '0 %']);
  });

  it('spans', () => {
    const texts = [0.34, 12.5, 59.97, 200, 7500, 90000, 86400].map((s) => plainSpan(s * 1e6));
    assert.deepEqual(texts, [
      '340 ms',
      '12.5 s',
      '1 min',
      '3 min 20 s',
      '2 h 5 min',
      '1 d 1 h',
      '1 d',
    ]);
  });

  it('times, also absurd ones', () => {
    assert.equal(eveTime(0), '1970-01-01T00:00:00.000000+0000');
    assert.equal(eveTime(-1), '1969-12-31T23:59:59.999999+0000');
    assert.match(eveTime(1e19), /^\+275760-09-13T00:00:00\./);
  });

  it('names every technique that a lane speaks of', () => {
    for (const { attack } of LANES) for (const id of attack) assert.notEqual(techniqueText(id), id);
  });
});
