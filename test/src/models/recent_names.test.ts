import assert from 'node:assert/strict';
import { RecentNames } from '../../../src/models/recent_names.js';

describe('recent names', () => {
  it('keep what is used while others come and go, within their bound', () => {
    const names = new RecentNames<number>(100);
    names.set('kept', 1);
    for (let i = 0; i < 1000; i++) {
      names.set(`n${i}`, i);
      assert.equal(names.get('kept'), 1);
      assert.ok(names.size <= 100);
    }
    assert.equal(names.get('n0'), undefined);
    assert.equal(names.get('n999'), 999);
  });
});
