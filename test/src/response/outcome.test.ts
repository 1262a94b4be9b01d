import assert from 'node:assert/strict';
import { firstLine, reasonOf } from '../../../src/response/actuators/outcome.js';

describe('firstLine', () => {
  it('takes the first line that says something, and not too much of it', () => {
    assert.equal(firstLine('\n  \n  it is full \nsecond'), 'it is full');
    assert.equal(firstLine(' \n'), 'it said nothing');
    assert.equal(firstLine('x'.repeat(1000)).length, 200);
  });

  it('lets nothing through that steers a terminal', () => {
    assert.equal(firstLine('bad\u001b[2Jnews\u0007\u009bx\ty'), 'bad [2Jnews  x y');
  });
});

describe('reasonOf', () => {
  it('tells a cause, too, and takes what is no error', () => {
    const cause = new Error('refused');
    assert.equal(reasonOf(new Error('no answer', { cause })), 'no answer: refused');
    assert.equal(reasonOf('odd'), 'odd');
  });
});
