import assert from 'node:assert/strict';
import { KeySet, pairKey } from '../../../src/models/key_set.js';
import { RecencyMap } from '../../../src/models/recency_map.js';
import { EntityTable } from '../../../src/models/entity_table.js';
import { KeyTable } from '../../../src/models/key_table.js';
import { PARTITIONS } from '../../../src/models/partition.js';
import { seeded } from '../support/traffic.js';
import { HandshakeBalance } from '../../../src/models/handshake_balance.js';

describe('KeySet', () => {
  it('remembers its last capacity members and forgets in bounded memory', () => {
    const set = new KeySet(1000);
    for (let i = 1; i <= 100_000; i++) {
      assert.equal(set.add(pairKey(i, 7)), true);
      assert.equal(set.add(pairKey(i, 7)), false);
    }
    for (let i = 99_001; i <= 100_000; i++) assert.equal(set.has(pairKey(i, 7)), true);
    assert.equal(set.has(pairKey(1, 7)), false);
    assert.ok(set.evictions > 90_000);
  });
});

describe('RecencyMap', () => {
  it('forgets what was used longest ago and hands its value on, cleared', () => {
    const map = new RecencyMap(
      2,
      () => ({ n: 0 }),
      (value) => (value.n = 0),
    );
    map.claim(1).n = 10;
    const second = map.claim(2);
    second.n = 20;
    map.claim(1);
    assert.equal(map.claim(3), second);
    assert.equal(second.n, 0);
    assert.deepEqual([map.size, map.evictions, map.peek(2), map.peek(1)!.n], [2, 1, undefined, 10]);
  });
});

describe('KeyTable', () => {
  it('agrees with a map, whatever is added and deleted', () => {
    const random = seeded(11);
    const table = new KeyTable<{ key: number }>();
    const map = new Map<number, { key: number }>();
    for (let i = 0; i < 50_000; i++) {
      const key = Math.floor(random() * 3000) * 0x100000001;
      assert.equal(table.get(key), map.get(key));
      if (map.delete(key)) table.delete(key);
      else {
        map.set(key, { key });
        table.add(key, map.get(key)!);
      }
    }
    assert.equal(table.size, map.size);
    for (const [key, value] of map) assert.equal(table.get(key), value);
  });
});

describe('EntityTable', () => {
  const bytes = new Uint8Array(16);
  const spec = (key: number, isProven: boolean) =>
    ({ key, kind: 'device', isProven, bytes, at: 0 }) as const;
  /** Limits for one part of the key space; keys that lie in the same one. */
  const tableOf = (proven: number, probation: number): EntityTable =>
    new EntityTable({
      nSlots: 1,
      provenMost: proven * PARTITIONS,
      probationMost: probation * PARTITIONS,
    });
  const key = (n: number): number => n * PARTITIONS;

  it('is bounded: made-up sources push out each other and no proven entity', () => {
    const table = tableOf(10, 5);
    for (let i = 1; i <= 10; i++) table.create(spec(key(i), true));
    for (let i = 100; i < 10_100; i++) table.create(spec(key(i), false));
    assert.equal(table.size, 15);
    assert.equal(table.probationEvictions, 9_995);
    assert.equal(table.provenEvictions, 0);
    assert.ok(table.find(key(1)));
  });

  it('forgets the same whether one or many shards share the keys', () => {
    const kept = (shards: number): number[] => {
      const tables = Array.from({ length: shards }, () => tableOf(3, 2));
      for (let i = 1; i <= 1000; i++) tables[i % shards]!.create(spec(i, i % 3 === 0));
      const keys = Array.from({ length: 1000 }, (_, i) => i + 1);
      return keys.filter((i) => tables[i % shards]!.find(i) !== undefined);
    };
    for (const shards of [2, 4]) assert.deepEqual(kept(shards), kept(1));
  });

  it('keeps the pinned and forgets whom it saw longest ago', () => {
    const table = tableOf(3, 5);
    const [a, b] = [1, 2, 3].map((n) => table.create(spec(key(n), true)));
    a!.isPinned = true;
    table.touch(b!, 9);
    table.create(spec(key(4), true));
    assert.deepEqual(
      [1, 2, 3].map((n) => table.find(key(n))),
      [a, b, undefined],
    );
  });

  it('gives a forgotten object to the entity that comes, with nothing left of the old one', () => {
    const table = tableOf(3, 1);
    const old = table.create(spec(key(1), false));
    table.touch(old, 7);
    let recycled = 0;
    const state = { recycle: () => ++recycled === 1 };
    old.slots[0] = state;
    const next = table.create(spec(key(2), false));
    assert.equal(next, old);
    assert.deepEqual([next.key, next.activeTicks, next.lastTick], [key(2), 0, -1]);
    assert.equal(next.slots[0], state);
    assert.equal(table.create(spec(key(3), false)).slots[0], null);
  });

  it('leaves a forgotten entity to those who hold it', () => {
    const table = tableOf(3, 1);
    const held = table.create(spec(key(1), false));
    held.hold();
    for (let i = 2; i < 100; i++) assert.notEqual(table.create(spec(key(i), false)), held);
    assert.deepEqual([held.key, held.isForgotten], [key(1), true]);
    table.touch(held, 9);
    assert.equal(table.size, 1);
    assert.ok(table.find(key(99)));
  });

  it('moves an entity out of probation when it gives proof', () => {
    const table = tableOf(3, 5);
    const entity = table.create(spec(7, false));
    assert.equal(entity.ref.proven, false);
    table.prove(entity);
    assert.equal(table.find(7), entity);
    assert.equal(entity.ref.proven, true);
  });
});

describe('HandshakeBalance', () => {
  const counts = (synIn: number, synAckOut: number, ackIn: number, rstOut = 0) => ({
    synIn,
    synAckOut,
    ackIn,
    rstOut,
  });
  const run = (windows: readonly ReturnType<typeof counts>[]): number => {
    const balance = new HandshakeBalance();
    let halfOpen = 0;
    for (let window = 1; window <= windows.length + 10; window++) {
      balance.reach(window);
      halfOpen += balance.expired.reduce((a, b) => a + b, 0);
      balance.add(windows[window - 1] ?? counts(0, 0, 0));
    }
    return halfOpen;
  };

  it('finds all requests of a flood half-open, answered or not', () => {
    assert.equal(run(Array.from({ length: 20 }, () => counts(100, 0, 0))), 2000);
    assert.equal(run(Array.from({ length: 20 }, () => counts(100, 100, 0))), 2000);
  });

  it('finds none when handshakes are completed half a second later', () => {
    const crowd = [...Array(5)].map(() => counts(100, 100, 0));
    const steady = [...Array(20)].map(() => counts(100, 100, 100));
    const tail = [...Array(5)].map(() => counts(0, 0, 100));
    assert.equal(run([...crowd, ...steady, ...tail]), 0);
  });

  it('counts no refused request', () => {
    assert.equal(run([...Array(20)].map(() => counts(100, 0, 0, 100))), 0);
  });

  it('does not take acknowledged data for handshakes', () => {
    const download = [...Array(100)].map(() => counts(0, 0, 300));
    const flood = [...Array(20)].map(() => counts(100, 100, 300));
    assert.ok(run([...download, ...flood]) > 1900);
  });
});
