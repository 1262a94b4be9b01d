import assert from 'node:assert/strict';
import type { Measure } from '../../../src/domain/action.js';
import { StateReader } from '../../../src/domain/state_reader.js';
import { StateWriter } from '../../../src/domain/state_writer.js';
import { NormalTraffic } from '../../../src/models/normal_traffic.js';
import { TrafficHistory } from '../../../src/models/traffic_history.js';
import { keyOf, START_US } from '../support/traffic.js';
import { again, learn, type Talk } from '../policy/worlds.js';

const PC = '10.0.0.5';
const FILES = '10.0.0.20';
const MAIL = '10.0.0.21';
const OUTSIDE = '198.51.100.7';
const HOUR = 3600;

const WEEKDAY: readonly Talk[] = [
  ...again({ at: 0, from: PC, to: FILES, port: 445, bytes: 9000 }, 60, 6 * HOUR),
  ...again({ at: 1, from: PC, to: MAIL, port: 993, bytes: 1000 }, 60, 6 * HOUR),
  ...again({ at: 2, from: PC, to: OUTSIDE, port: 443, bytes: 10_000 }, 600, 6 * HOUR),
];
const edge = (to: string, port: number | null): Measure => {
  return { kind: 'block_edge', edge: { from: PC, to, protocol: 'tcp', port } };
};

describe('TrafficHistory', () => {
  const after = (talks: readonly Talk[]): TrafficHistory => {
    const history = new TrafficHistory();
    learn(history, talks);
    return history;
  };
  const normalOf = (history: TrafficHistory, atS = 6 * HOUR): NormalTraffic =>
    new NormalTraffic(history, START_US + atS * 1e6);

  it('says what a block would take from each end, and from all', () => {
    const normal = normalOf(after(WEEKDAY));
    const impact = normal.impactOf(edge(FILES, 445));
    // Nine tenths of the bytes of each minute, and all that the file server has.
    assert.equal(impact.bytesShare, 1);
    assert.equal(impact.devices, 2);
    const mail = normal.impactOf(edge(OUTSIDE, 443));
    assert.ok(Math.abs(mail.bytesShare - 1 / 11) < 0.01, String(mail.bytesShare));
    assert.ok(Math.abs(mail.fleetShare - 1000 / 21_000) < 0.01, String(mail.fleetShare));
    assert.deepEqual(normal.impactOf(edge(FILES, 22)).bytesShare, 0);
    assert.equal(normal.impactOf(edge(FILES, null)).bytesShare, 1);
    assert.ok(impact.historySeconds >= 4.5 * HOUR && impact.historySeconds <= 6 * HOUR);
  });

  it('says that everything may be lost where nothing is known', () => {
    const normal = normalOf(after([]));
    for (const measure of [edge(FILES, 445), { kind: 'isolate', host: PC } as const]) {
      const { bytesShare, fleetShare, historySeconds } = normal.impactOf(measure);
      assert.deepEqual([bytesShare, fleetShare, historySeconds], [1, 1, 0]);
    }
  });

  it('does not take a device that is new for one that has nothing to lose', () => {
    const history = after(WEEKDAY);
    const fresh = (isInternal: boolean) =>
      new NormalTraffic(history, START_US + 6 * HOUR * 1e6, () => isInternal).impactOf({
        kind: 'block_edge',
        edge: { from: '10.0.0.99', to: FILES, protocol: 'tcp', port: 445 },
      }).bytesShare;
    assert.equal(fresh(true), 1);
    assert.equal(fresh(false), 0);
  });

  it('takes all of an isolated host, and what its peers have with it', () => {
    const impact = normalOf(after(WEEKDAY)).impactOf({ kind: 'isolate', host: PC });
    assert.equal(impact.bytesShare, 1);
    assert.equal(impact.devices, 3);
    assert.ok(impact.fleetShare > 0.99);
  });

  it('holds a host to what it does, at the price of what it does for the first time', () => {
    const oddities = Array.from({ length: 36 }, (_, i) => {
      return { at: 600 * i, from: PC, to: `203.0.113.${i}`, port: 443, bytes: 100 };
    });
    const normal = normalOf(after([...WEEKDAY, ...oddities]));
    const edges = normal.patternOf(PC, () => false);
    assert.deepEqual(edges.map(({ to }) => to).sort(), [FILES, MAIL, OUTSIDE].sort());
    const { flowsShare } = normal.impactOf({ kind: 'hold_pattern', host: PC, edges });
    assert.ok(flowsShare > 0.03 && flowsShare < 0.06, String(flowsShare));
  });

  it('learns nothing of the half hour before suspicion, nor after it', () => {
    const history = after(WEEKDAY);
    const talk = { from: PC, to: '192.0.2.66', port: 443, bytes: 1e6 };
    learn(history, again({ ...talk, at: 6 * HOUR }, 60, 1200));
    history.suspect(keyOf(PC), START_US + 12 * HOUR * 1e6);
    learn(history, again({ ...talk, at: 6.4 * HOUR }, 60, 2 * HOUR));
    learn(history, again({ at: 13 * HOUR, from: PC, to: MAIL, port: 993 }, 60, 2 * HOUR));
    const impact = normalOf(history, 15 * HOUR).impactOf({
      kind: 'block_external',
      address: '192.0.2.66',
    });
    assert.equal(impact.bytesShare, 0);
  });

  it('does not count what is first seen in the incident', () => {
    const history = after(WEEKDAY.filter(({ at }) => at < 900));
    learn(history, again({ at: 900, from: PC, to: '192.0.2.66', port: 443, bytes: 1e6 }, 10, 200));
    const normal = normalOf(history, 900);
    assert.equal(normal.impactOf({ kind: 'block_external', address: '192.0.2.66' }).bytesShare, 0);
    assert.ok(normal.impactOf(edge(OUTSIDE, 443)).bytesShare > 0);
  });

  it('predicts limits by rates and bursts', () => {
    const calls = again({ at: 0, from: PC, to: FILES, port: 80 }, 1, 6 * HOUR);
    const normal = normalOf(after(calls));
    const limit = { kind: 'limit_sources', victim: FILES, protocol: 'tcp', port: null } as const;
    const at = (packetsPerSecond: number): number =>
      normal.impactOf({ ...limit, packetsPerSecond }).flowsShare;
    assert.equal(at(10), 0);
    assert.ok(at(0.1) > 0.5);
    assert.ok(normal.usualBurstOf(FILES)! >= 1);
    const rate = normal.usualRateOf(PC)!;
    assert.equal(
      normal.impactOf({ kind: 'rate_limit', host: PC, bytesPerSecond: rate }).bytesShare,
      0,
    );
    assert.ok(
      normal.impactOf({ kind: 'rate_limit', host: PC, bytesPerSecond: 64 }).bytesShare > 0.9,
    );
  });

  it('finds those that most others call', () => {
    const clients = Array.from({ length: 40 }, (_, i) => `10.0.1.${i + 1}`);
    const talks = clients.map((from, i) => ({ at: i, from, to: FILES, port: 445 }));
    assert.deepEqual([...after([...WEEKDAY, ...talks]).topFanIn()], [FILES]);
  });

  it('finds no one in a small network whom less than a quarter of it calls', () => {
    const hosts = Array.from({ length: 40 }, (_, i) => `10.0.1.${i + 1}`);
    const calls = hosts.map((from, i) => ({ at: i, from, to: OUTSIDE, port: 443 }));
    const printers = (n: number): readonly Talk[] =>
      hosts.slice(0, n).map((from, i) => ({ at: 60 + i, from, to: FILES, port: 631 }));
    assert.deepEqual([...after([...calls, ...printers(5)]).topFanIn()], []);
    assert.deepEqual([...after([...calls, ...printers(15)]).topFanIn()], [FILES]);
  });

  it('knows a source by the station that got its answers, and a router as no proof', () => {
    const [pcMac, routerMac] = ['020000000005', '020000000001'];
    const talk = { at: 0, from: PC, to: OUTSIDE, port: 443, macs: [pcMac, routerMac] } as const;
    const { stations } = after([talk]);
    const isOwn = (mac: string): boolean =>
      stations.isOwn(keyOf(PC), Number.parseInt(mac, 16), START_US + HOUR * 1e6);
    assert.ok(isOwn(pcMac));
    assert.ok(!isOwn(routerMac));
    assert.ok(!isOwn('020000000066'));
    assert.ok(stations.isRouter(Number.parseInt(routerMac, 16)));
    assert.ok(!stations.isOwn(keyOf(PC), Number.parseInt(pcMac, 16), START_US));
  });

  it('stays bounded: hosts, edges, and what is left out counts for too much', () => {
    const history = new TrafficHistory(50);
    const talks = Array.from({ length: 3000 }, (_, i) => {
      return { at: i, from: `10.1.${i % 100}.1`, to: `198.18.${i >> 8}.${i & 255}`, port: 443 };
    });
    learn(history, talks);
    assert.equal(history.size, 50);
    assert.ok(history.evictions > 0);
    const one = new TrafficHistory();
    const many = Array.from({ length: 3000 }, (_, i) => {
      return { at: i, from: PC, to: `198.18.${i >> 8}.${i & 255}`, port: 443 };
    });
    learn(one, many);
    for (const lessons of [one.host(PC)!.learned, one.host(PC)!.current]) {
      assert.ok(lessons.edges.size <= 64);
    }
    const impact = normalOf(one, 3000).impactOf({
      kind: 'block_external',
      address: '198.18.11.183',
    });
    assert.ok(impact.bytesShare >= 1 / 3000);
  });

  it('goes on with what it has saved, to the byte', () => {
    const saved = (history: TrafficHistory): Uint8Array => {
      const out = new StateWriter();
      history.save(out);
      return out.take();
    };
    const half = WEEKDAY.filter(({ at }) => at < 3 * HOUR);
    const rest = WEEKDAY.filter(({ at }) => at >= 3 * HOUR);
    const first = after(half);
    const second = new TrafficHistory();
    second.restore(new StateReader(saved(first)));
    assert.deepEqual(saved(second), saved(first));
    learn(second, rest);
    const whole = normalOf(after(WEEKDAY)).impactOf(edge(OUTSIDE, 443));
    assert.deepEqual(normalOf(second).impactOf(edge(OUTSIDE, 443)), whole);
  });

  it('refuses a state that is cut', () => {
    const out = new StateWriter();
    after(WEEKDAY.slice(0, 20)).save(out);
    const bytes = out.take();
    for (let n = 0; n < bytes.length; n++) {
      assert.throws(() => new TrafficHistory().restore(new StateReader(bytes.slice(0, n))));
    }
  });
});
