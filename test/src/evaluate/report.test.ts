import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calibrationOf } from '../../../bench/evaluate/calibration.js';
import { capturesOf, tickKey } from '../../../bench/evaluate/data_set.js';
import { figuresOf } from '../../../bench/evaluate/figures.js';
import { Histories } from '../../../bench/evaluate/histories.js';
import { judgeCapture } from '../../../bench/evaluate/judge_capture.js';
import { linePlot } from '../../../bench/evaluate/plots.js';
import {
  htmlReport,
  resultsText,
  robustnessReport,
  robustnessText,
} from '../../../bench/evaluate/report.js';
import { between } from '../../../bench/evaluate/results_file.js';
import { boilTheFrog } from '../../../bench/evaluate/robustness/boil_the_frog.js';
import { markdownOf } from '../../../bench/evaluate/words.js';
import { PROJECT } from '../support/project.js';

const BUNDLED = join(PROJECT, 'pcaps');

describe('evaluation', function () {
  this.timeout(120_000);

  it('finds the scan of a bundled capture, unit by unit and as an incident', async () => {
    const scan = capturesOf(BUNDLED).find(({ name }) => name.startsWith('vertical_scan'))!;
    const result = await judgeCapture(scan.open(), { withBaselines: true, history: null });
    const figures = figuresOf('tune', [result]);
    assert.deepEqual([figures.recall, figures.falses, figures.shareGap], [1, 0, 0]);
    const [fused] = figures.methods;
    assert.equal(fused!.area, 1);
    assert.equal(fused!.attacks, 3);
    assert.deepEqual(
      figures.lanes.map(({ method }) => method),
      ['scan_vertical'],
    );
    const [attack] = figures.attacks;
    assert.ok(attack!.delayMedianS < 1 && attack!.contactsMedian <= 16);
    assert.deepEqual([attack!.stageRight, attack!.driverTold], [1, 1]);

    const evaluation = {
      set: 'a <set>',
      command: 'npm run evaluate',
      commit: 'abc',
      splits: [figures],
      calibration: [],
      noise: [],
    };
    const html = htmlReport(evaluation);
    assert.match(html, /a &lt;set&gt;/);
    assert.doesNotMatch(html, /NaN|undefined/);
    assert.match(resultsText(evaluation), /\| port scan \| 1x/);
  });

  it('begins with what the other benign captures have taught', async () => {
    const captures = capturesOf(BUNDLED);
    const histories = new Histories(captures);
    const day = captures.find(({ isBenign }) => isBenign)!;
    assert.equal(await histories.before(day), null);
    const guessing = captures.find(({ name }) => name.startsWith('ssh_guessing'))!;
    const history = await histories.before(guessing);
    assert.ok(history!.figures.hosts >= 15);
    assert.equal(await histories.before({ ...guessing, base: day.name }), null);
    const result = await judgeCapture(guessing.open(), { withBaselines: false, history });
    assert.deepEqual([result.outcomes[0]!.found !== null, result.falses], [true, []]);
  });

  it('reads the format of the lab', () => {
    const folder = mkdtempSync(join(tmpdir(), 'thymus-set-'));
    try {
      const lines = [
        { line: 'host', name: 'pc1', kind: 'device', addresses: ['10.0.0.1', 'fd00::1'] },
        { line: 'benign', activity: 'backup', what: 'backup', hosts: [], fromUs: 1, toUs: 2 },
        {
          line: 'incident',
          incident: 'i1',
          kind: 'beacon',
          attackers: ['10.0.0.1'],
          attackerMacs: ['00:16:3e:14:00:68'],
          entities: [],
        },
        {
          line: 'packets',
          incident: 'i1',
          ranges: [
            [2, 3],
            [7, 7],
          ],
        },
        { line: 'contacts', incident: 'i1', timesUs: [5, 6] },
        { line: 'tick', incident: 'i1', tick: 9, entity: '10.0.0.1', role: 'affected' },
        { line: 'tick', incident: 'i1', tick: 9, entity: '10.0.0.1', role: 'attacker' },
      ];
      const jsonl = (of: readonly object[]): string => of.map((x) => JSON.stringify(x)).join('\n');
      writeFileSync(join(folder, 'captures.jsonl'), jsonl([{ name: 'a', split: 'test' }]));
      writeFileSync(join(folder, 'a.labels.jsonl'), jsonl(lines));
      const capture = capturesOf(folder)[0]!.open();
      assert.equal(capture.split, 'test');
      assert.deepEqual([...capture.hosts], ['10.0.0.1', 'fd00::1']);
      assert.deepEqual(capture.incidents[0]!.contactsUs, [5, 6]);
      assert.deepEqual(capture.incidents[0]!.entities, ['fe80::216:3eff:fe14:68']);
      assert.equal(capture.ticks.get(tickKey('10.0.0.1', 9))!.role, 'attacker');
      assert.deepEqual(
        [1, 2, 3, 4, 7].map((position) => capture.isAttack(position)),
        [false, true, true, false, true],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('counts entities against what is allowed', () => {
    const peaks = [
      { lnWealth: 5.5, ticks: 100 },
      { lnWealth: 2, ticks: 1e9 },
    ];
    const at5 = calibrationOf(peaks).find(({ h }) => h === 5)!;
    assert.equal(at5.seen, 1);
    assert.ok(Math.abs(at5.allowed - (100 / Math.exp(5) + 1)) < 1e-9);
  });

  it('writes between its marker lines and nowhere else', () => {
    const part = { marker: 'evaluate', heading: 'Detection', text: 'One.' };
    const first = between('# Results\n\nOld.\n', part);
    assert.match(first, /^# Results\n\nOld\.\n\n## Detection\n/);
    const second = between(`${first}\nAfter.\n`, { ...part, text: 'Two.' });
    assert.ok(second.includes('Two.') && !second.includes('One.'));
    assert.ok(second.endsWith('\nAfter.\n'));
    assert.throws(() => between('<!-- evaluate: end -->', part), /pair/);
  });

  it('shows experiments on a page and as text', () => {
    const experiments = [boilTheFrog(1, 1)];
    const origin = { command: 'npm run evaluate -- --robustness', commit: 'abc' };
    assert.doesNotMatch(robustnessReport(experiments, origin), /NaN|undefined/);
    assert.match(robustnessText(experiments, origin), /### Boiling the frog/);
  });

  it('draws what lies outside of an axis at its end', () => {
    const plot = linePlot({
      title: 'a & b',
      x: { label: 'x', from: 0.01, to: 1, isLog: true },
      y: { label: 'y', from: 0, to: 1 },
      series: [
        {
          name: 's',
          points: [
            [0, 0],
            [1, 2],
          ],
        },
      ],
    });
    assert.match(plot, /a &amp; b/);
    assert.match(plot, /points="64\.0,294\.0 410\.0,34\.0"/);
  });

  it('markdownOf aligns figures to the right', () => {
    const table = { head: ['a', 'b'], rows: [['x', '1']], texts: 1 };
    assert.equal(markdownOf(table), '| a | b |\n| --- | ---: |\n| x | 1 |');
  });
});
