import assert from 'node:assert/strict';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { HOURS_PER_WEEK, HoursOfWeek } from '../../../src/models/hours_of_week.js';

describe('HoursOfWeek', () => {
  it('counts like a byte for each hour, few hours and all', () => {
    const hours = new HoursOfWeek();
    const bytes = new Uint8Array(HOURS_PER_WEEK);
    for (let i = 0; i < 1000; i++) {
      const slot = (i * 5) % HOURS_PER_WEEK;
      hours.add(slot);
      bytes[slot]!++;
      assert.equal(hours.count(slot), bytes[slot]);
    }
    for (let slot = 0; slot < HOURS_PER_WEEK; slot++) hours.add(slot);
    assert.ok([...bytes.keys()].every((slot) => hours.count(slot) === bytes[slot]! + 1));
  });

  it('counts to 255', () => {
    const hours = new HoursOfWeek();
    for (let i = 0; i < 300; i++) hours.add(7);
    assert.equal(hours.count(7), 255);
    assert.equal(hours.count(6), 0);
  });

  it('goes on with what it has saved', () => {
    for (const active of [3, 100]) {
      const hours = new HoursOfWeek();
      for (let slot = 0; slot < active; slot++) for (let i = 0; i <= slot; i++) hours.add(slot);
      const again = new HoursOfWeek();
      again.restore(new StateReader(saved(hours)));
      assert.deepEqual(saved(again), saved(hours));
      again.add(2);
      assert.equal(again.count(2), 4);
    }
  });
});

function saved(hours: HoursOfWeek): Uint8Array {
  const out = new StateWriter();
  hours.save(out);
  return out.take();
}
