import assert from 'node:assert/strict';
import { SessionTable } from '../../../src/models/tunnel_sessions.js';

const SECOND = 1e6;
const HOUR = 3600 * SECOND;

describe('the table of sessions', () => {
  it('gives an end to the newest session of a kind, and remembers until when it was another’s', () => {
    const table = new SessionTable();
    const first = table.create('gtp', 0);
    table.bind(first, 'a/1', 0);
    table.confirm(first, SECOND);
    const second = table.create('gtp', 10 * SECOND);
    table.bind(second, 'a/1', 10 * SECOND);
    assert.equal(table.bindingsOf('a/1')[0]!.toUs, Infinity, 'not yet accepted');
    table.confirm(second, 11 * SECOND);
    const [older, newer] = table.bindingsOf('a/1');
    assert.equal(older!.session, first);
    assert.equal(older!.toUs, 11 * SECOND);
    assert.equal(newer!.toUs, Infinity);
  });

  it('lets two kinds of signalling speak of one end', () => {
    const table = new SessionTable();
    for (const source of ['pfcp', 'ran'] as const) {
      const session = table.create(source, 0);
      table.bind(session, 'a/1', 0);
      table.confirm(session, 0);
    }
    assert.ok(table.bindingsOf('a/1').every(({ toUs }) => toUs === Infinity));
  });

  it('ends a session with its ends, and forgets it a quarter of an hour later', () => {
    const table = new SessionTable();
    const session = table.create('gtp', 0);
    table.bind(session, 'a/1', 0);
    table.name(session, 'n');
    table.confirm(session, 0);
    table.end(session, 5 * SECOND);
    assert.equal(table.bindingsOf('a/1')[0]!.toUs, 5 * SECOND);
    table.create('gtp', 14 * 60 * SECOND);
    assert.equal(table.bindingsOf('a/1').length, 1);
    table.create('gtp', 16 * 60 * SECOND);
    assert.equal(table.bindingsOf('a/1').length, 0);
    assert.equal(table.find('n'), undefined);
  });

  it('forgets at once what was refused, and after a minute what nobody answered', () => {
    const table = new SessionTable();
    const refused = table.create('gtp', 0);
    table.bind(refused, 'a/1', 0);
    table.end(refused, SECOND);
    assert.equal(table.size, 0);
    table.create('gtp', 2 * SECOND);
    table.create('gtp', 70 * SECOND);
    assert.equal(table.size, 1);
  });

  it('keeps a session of which somebody speaks, and forgets it after a silent day', () => {
    const table = new SessionTable();
    const session = table.create('gtp', 0);
    table.confirm(session, 0);
    table.touch(session, 20 * HOUR);
    table.create('gtp', 30 * HOUR);
    assert.equal(table.size, 2);
    table.create('gtp', 45 * HOUR);
    assert.equal(table.size, 1);
  });

  it('is not pushed out of what was accepted by a flood of forged requests', () => {
    const most = 100;
    const table = new SessionTable(most);
    const victim = table.create('gtp', 0);
    table.bind(victim, 'a/1', 0);
    table.name(victim, 'n');
    table.confirm(victim, 0);
    for (let i = 1; i <= 10 * most; i++) {
      const forged = table.create('gtp', i);
      table.name(forged, 'n');
      table.bind(forged, 'a/1', i);
      table.bind(forged, `b/${i}`, i);
    }
    assert.equal(table.size, most);
    assert.equal(table.stats.sessionEvictions, 9 * most + 1);
    assert.equal(table.find('n'), victim);
    const own = table.bindingsOf('a/1').find(({ session }) => session === victim);
    assert.equal(own?.toUs, Infinity);
    assert.ok(table.bindingsOf('a/1').length <= 8);
  });

  it('bounds names and ends of one session and counts what it left out', () => {
    const table = new SessionTable();
    const session = table.create('ran', 0);
    for (let i = 0; i < 100; i++) {
      table.name(session, `n${i}`);
      table.bind(session, `a/${i}`, 0);
    }
    assert.equal(session.names.length, 32);
    assert.equal(session.ends.length, 64);
    assert.equal(table.stats.refusals, 100 - 32 + (100 - 64));
  });
});
