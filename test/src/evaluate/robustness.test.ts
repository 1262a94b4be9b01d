import assert from 'node:assert/strict';
import { alertFlood } from '../../../bench/evaluate/robustness/alert_flood.js';
import { boilTheFrog } from '../../../bench/evaluate/robustness/boil_the_frog.js';
import { exhaustion } from '../../../bench/evaluate/robustness/exhaustion.js';

describe('experiments on robustness', function () {
  this.timeout(120_000);

  it('boilTheFrog tells growth and leaves the honest alone', () => {
    const { table, plot } = boilTheFrog(2, 2);
    assert.deepEqual(
      table.rows.map((row) => row[2]),
      ['2/2', '2/2', '2/2', '2/2', '2/2', '0/2', '0/2', '0/2'],
    );
    assert.equal(plot!.series.length, 5);
  });

  it('exhaustion sees the scan as soon as without a flood, and the flood', () => {
    const { table } = exhaustion(20_000);
    const [calm, flood] = table.rows;
    const at = (column: string): number => table.head.indexOf(column);
    assert.equal(flood![at('of them forgotten')], '0');
    assert.equal(flood![at('scan told after')], calm![at('scan told after')]);
    assert.ok(parseFloat(flood![at('flood told after')]!) <= 15);
  });

  it('alertFlood says what became of the one that matters', () => {
    const { table } = alertFlood(5);
    assert.equal(table.rows[0]!.at(-1), 'an incident of its own');
  });
});
