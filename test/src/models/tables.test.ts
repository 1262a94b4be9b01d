import assert from 'node:assert/strict';
import { KeySet, pairKey } from '../../../src/models/key_set.js';
import { RecencyMap } from '../../../src/models/recency_map.js';
import { SelfHistogram } from '../../../src/models/self_histogram.js';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { EntityTable } from '../../../src/models/entity_table.js';
import { KeyTable } from '../../../src/models/key_table.js';
import { PARTITIONS } from '../../../src/models/partition.js';
import { seeded } from '../support/traffic.js';
import { DelayedMean } from '../../../src/models/delayed_mean.js';
import { HandshakeBalance } from '../../../src/models/handshake_balance.js';

describe('KeySet', () => {
  for (const capacity of [3, 8, 20, 1000]) {
    it(`remembers two generations of ${capacity}, as two plain sets do`, () => {
      const most = Math.max(8, 2 ** Math.ceil(Math.log2(capacity)));
      const random = seeded(capacity);
      const set = new KeySet(capacity);
      let [young, old] = [new Set<number>(), new Set<number>()];
      for (let i = 0; i < 20 * most; i++) {
        const key = pairKey(Math.floor(random() * 4 * most), 1);
        const isNew = !young.has(key) && !old.has(key);
        assert.equal(set.add(key), isNew);
        if (!isNew) continue;
        if (young.size === most) [young, old] = [new Set(), young];
        young.add(key);
      }
      const [out, again] = [new StateWriter(), new StateWriter()];
      set.save(out);
      const bytes = out.take();
      const restored = new KeySet(capacity);
      restored.restore(new StateReader(bytes));
      restored.save(again);
      assert.deepEqual(again.take(), bytes);
      for (const key of [...young, ...old]) assert.equal(restored.has(key), true);
      set.clear();
      for (const key of [...young, ...old]) assert.equal(set.has(key), false);
    });
  }

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
  for (const capacity of [1, 8, 64, 500]) {
    it(`agrees with a plain list of ${capacity}, whatever is claimed, and after it is cleared`, () => {
      const random = seeded(capacity);
      const map = new RecencyMap(
        capacity,
        () => ({ key: 0 }),
        (value) => (value.key = 0),
      );
      for (let life = 0; life < 3; life++) {
        let list: number[] = [];
        for (let i = 0; i < 5000; i++) {
          const key = 1 + Math.floor(random() ** 2 * 2 * capacity) * 0x100000001;
          assert.equal(map.peek(key)?.key, list.includes(key) ? key : undefined);
          map.claim(key).key = key;
          list = [...list.filter((other) => other !== key), key].slice(-capacity);
        }
        assert.deepEqual(
          [...map.values()].map((value) => value.key),
          list,
        );
        const [out, again] = [new StateWriter(), new StateWriter()];
        map.save(out, (value) => out.f64(value.key));
        const restored = new RecencyMap(
          capacity,
          () => ({ key: 0 }),
          () => undefined,
        );
        const bytes = out.take();
        const from = new StateReader(bytes);
        restored.restore(from, (value) => (value.key = from.f64()));
        restored.save(again, (value) => again.f64(value.key));
        assert.deepEqual(again.take(), bytes);
        map.clear();
        assert.deepEqual([map.size, map.peek(list[0]!)], [0, undefined]);
      }
    });
  }

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

describe('SelfHistogram', () => {
  it('agrees with an array of all bins, also when its counts are halved and after it is restored', () => {
    const random = seeded(5);
    let histogram = new SelfHistogram(3, 0.5);
    const bins = [0, 1, 2].map(() => new Array<number>(64).fill(0));
    let n = 0;
    for (let i = 0; i < 20_000; i++) {
      const values = Float64Array.from({ length: 3 }, (_, k) => 40 * random() ** (1 + 4 * k) - 1);
      const binOf = (k: number): number => Math.max(0, Math.min(63, Math.floor(values[k]! / 0.5)));
      for (let k = 0; k < 3 && i % 7 === 0; k++) {
        const at = (isLow: boolean): number =>
          bins[k]!.reduce(
            (sum, c, b) => sum + ((isLow ? b <= binOf(k) : b >= binOf(k)) ? c : 0),
            0,
          );
        for (const isLow of [false, true]) {
          const expected = Math.min(1, (1 + at(isLow)) / (1 + n));
          assert.equal(histogram.p(k, values[k]!, isLow), expected);
        }
      }
      if (n === 8192) {
        for (const row of bins) row.forEach((count, b) => (row[b] = count >> 1));
        n >>= 1;
      }
      n++;
      bins.forEach((row, k) => row[binOf(k)]!++);
      histogram.learn(values);
      if (i % 5000 !== 4999) continue;
      const out = new StateWriter();
      histogram.save(out);
      histogram = new SelfHistogram(3, 0.5);
      histogram.restore(new StateReader(out.take()));
      assert.equal(histogram.size, n);
    }
  });

  it('refuses bins that are out of order or of no feature', () => {
    for (const bins of [[2, 1], [1, 1], [64 * 3]]) {
      const out = new StateWriter();
      for (const word of [1, bins.length, ...bins.map((at) => at * 0x10000 + 1)]) out.u32(word);
      assert.throws(() => new SelfHistogram(3, 1).restore(new StateReader(out.take())));
    }
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

  it('knows how many of them were answered', () => {
    const answered = (counted: ReturnType<typeof counts>): number => {
      const balance = new HandshakeBalance();
      let sum = 0;
      for (let window = 1; window <= 30; window++) {
        balance.reach(window);
        sum += balance.expiredAnswered.reduce((a, b) => a + b, 0);
        balance.add(window <= 20 ? counted : counts(0, 0, 0));
      }
      return sum;
    };
    assert.equal(answered(counts(10, 10, 0)), 200);
    assert.equal(answered(counts(10, 4, 0)), 80);
    assert.equal(answered(counts(10, 0, 0)), 0);
    assert.equal(answered(counts(10, 10, 10)), 0);
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

describe('DelayedMean', () => {
  const MINUTE_US = 60e6;
  const FAR = 30_000_000;

  it('knows only what lies half an hour back, and not what was thrown away', () => {
    const mean = new DelayedMean();
    for (let minute = 0; minute < 25; minute++) mean.add(9, minute * MINUTE_US);
    assert.equal(mean.mean(5, 10), 5);
    mean.add(9, 39 * MINUTE_US);
    assert.equal(mean.mean(5, 10), (50 + 90) / 20);
    mean.add(9, 55 * MINUTE_US);
    assert.equal(mean.mean(5, 10), (50 + 225) / 35);
    mean.discard();
    mean.add(9, 200 * MINUTE_US);
    assert.equal(mean.mean(5, 10), (50 + 225) / 35);
  });

  it('goes on as it was, also in an earlier week', () => {
    const mean = new DelayedMean();
    for (let minute = 0; minute < 45; minute++) mean.add(minute, (FAR + minute) * MINUTE_US);
    for (const shiftUs of [0, -7 * 1440 * MINUTE_US]) {
      const out = new StateWriter();
      mean.save(out);
      const again = new DelayedMean();
      again.restore(new StateReader(out.take(), shiftUs));
      assert.equal(again.mean(1, 1), mean.mean(1, 1));
      again.add(0, (FAR + 80) * MINUTE_US);
      assert.ok(again.mean(1, 1) > mean.mean(1, 1));
    }
  });
});
