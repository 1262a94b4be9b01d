import assert from 'node:assert/strict';
import {
  AfterImage,
  DampedPair,
  DampedStream,
  FEATURES,
  LAMBDAS,
} from '../../../bench/baselines/after_image.js';
import type { EndedFlow, Packet, ScoreSheet } from '../../../bench/baselines/baseline.js';
import { FastNetMon } from '../../../bench/baselines/fast_net_mon.js';
import { FeatureMap } from '../../../bench/baselines/feature_map.js';
import { Kitnet } from '../../../bench/baselines/kitnet.js';
import { Kitsune } from '../../../bench/baselines/kitsune.js';
import { seeded } from '../../../bench/baselines/random.js';
import { beaconScore, Rita } from '../../../bench/baselines/rita.js';
import { Slips } from '../../../bench/baselines/slips.js';
import { ZScore } from '../../../bench/baselines/z_score.js';

const packet = (fields: Partial<Packet>): Packet => ({
  timeUs: 0,
  bytes: 100,
  sourceMac: '02:00:00:00:00:01',
  source: '10.0.0.1',
  destination: '10.0.0.2',
  protocol: 6,
  sourcePort: 40_000,
  destinationPort: 80,
  tcpFlags: 0x10,
  isArpRequest: false,
  dnsCode: -1,
  ...fields,
});

const flow = (fields: Partial<EndedFlow>): EndedFlow => ({
  startUs: 0,
  endUs: 0,
  originator: '10.0.0.1',
  responder: '10.0.0.2',
  protocol: 6,
  responderPort: 80,
  originatorBytes: 500,
  responderBytes: 5000,
  originatorPackets: 5,
  isEstablished: true,
  isOutbound: false,
  ...fields,
});

class Sheet implements ScoreSheet {
  readonly scores: { address: string; timeUs: number; score: number }[] = [];

  raise(address: string, timeUs: number, score: number): void {
    this.scores.push({ address, timeUs, score });
  }

  most(address: string): number {
    const own = this.scores.filter((entry) => entry.address === address);
    return Math.max(0, ...own.map((entry) => entry.score));
  }
}

const close = (a: number, b: number, within = 1e-9): void =>
  assert.ok(Math.abs(a - b) <= within * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

describe('AfterImage', () => {
  const samples = [
    [0.1, 60],
    [0.4, 1500],
    [0.5, 1500],
    [1.7, 52],
    [9.25, 400],
  ] as const;

  it('DampedStream gives weight, mean and deviation of a direct sum', () => {
    for (const lambda of LAMBDAS) {
      const stream = new DampedStream(lambda, samples[0][0]);
      samples.forEach(([seconds, bytes], n) => {
        stream.insert(bytes, seconds);
        const fades = samples.slice(0, n + 1).map(([at]) => 2 ** (-lambda * (seconds - at)));
        const sum = (of: (bytes: number) => number): number =>
          fades.reduce((total, fade, i) => total + fade * of(samples[i]![1]), 0);
        const weight = sum(() => 1);
        const mean = sum((value) => value) / weight;
        close(stream.weight, weight);
        close(stream.mean, mean);
        close(stream.deviation, Math.sqrt(Math.abs(sum((v) => v * v) / weight - mean ** 2)), 1e-6);
      });
    }
  });

  it('DampedPair finds streams that rise and fall together, or against each other', () => {
    for (const sign of [1, -1]) {
      const pair = new DampedPair(0.001, 0);
      for (let i = 1; i <= 600; i++) {
        const swing = i % 20 < 10 ? 100 : -100;
        pair.insert(0, 500 + swing, i);
        pair.insert(1, 300 + sign * swing, i);
      }
      assert.ok(sign * pair.covariance > 0);
      assert.ok(sign * pair.correlation > 0.4);
      close(pair.magnitude, Math.hypot(500, 300), 0.03);
      close(pair.radius, Math.hypot(100 ** 2, 100 ** 2), 0.05);
    }
  });

  it('DampedPair has numbers when one side was quiet for an hour', () => {
    const pair = new DampedPair(5, 0);
    pair.insert(0, 100, 0);
    pair.insert(1, 60, 3600);
    const { radius, magnitude, covariance, correlation } = pair;
    assert.deepEqual([radius, magnitude, covariance, correlation], [0, 60, 0, 0]);
  });

  it('fills 100 features, those of the sender first', () => {
    const out = new Float64Array(FEATURES);
    const features = new AfterImage();
    assert.equal(FEATURES, 100);
    const facts = {
      bytes: 70,
      sourceMac: 'm',
      source: 'a',
      destination: 'b',
      sourceSocket: 'a:1',
      destinationSocket: 'b:2',
    };
    features.update({ ...facts, seconds: 1 }, out);
    features.update({ ...facts, seconds: 2, bytes: 90 }, out);
    close(out[0]!, 1 + 2 ** -5);
    close(out[1]!, (90 + 70 * 2 ** -5) / (1 + 2 ** -5));
    // Jitter after sender and channels: the one gap of a second, and none before the first.
    const jitter = 15 + 35;
    close(out[jitter + 1]!, 1 / (1 + 2 ** -5));
    assert.ok(out.every(Number.isFinite));
  });
});

describe('KitNET', function () {
  this.timeout(60_000);

  it('FeatureMap puts what goes together into one group, none larger than asked', () => {
    const random = seeded(3);
    const map = new FeatureMap(9);
    for (let i = 0; i < 500; i++) {
      const causes = [random(), random(), random()];
      map.update(Float64Array.from({ length: 9 }, (_, k) => causes[k % 3]! + 0.01 * random()));
    }
    const groups = map.groups(3).map((group) => group.toSorted((a, b) => a - b).join());
    assert.deepEqual(groups.toSorted(), ['0,3,6', '1,4,7', '2,5,8']);
  });

  it('reconstructs clusters that it has learned and not what lies outside of them', () => {
    const random = seeded(5);
    const net = new Kitnet({
      features: 12,
      groupMost: 4,
      mapSamples: 200,
      trainSamples: 5000,
      rate: 0.1,
      ratio: 0.75,
      random,
    });
    const sample = (): Float64Array => {
      const high = random() < 0.5;
      return Float64Array.from(
        { length: 12 },
        (_, i) => (high === i % 2 > 0 ? 0.8 : 0.2) + 0.05 * random(),
      );
    };
    for (let i = 0; i < 5200; i++) net.process(sample());
    assert.ok(!net.isTraining);
    const usual = Array.from({ length: 200 }, () => net.process(sample())).sort((a, b) => a - b);
    const odd = net.process(Float64Array.from({ length: 12 }, (_, i) => (i < 6 ? 2 : -1)));
    assert.ok(odd > 2 * usual[197]!, `${odd} against ${usual[197]}`);
  });

  it('Kitsune scores a flood above what it has learned', () => {
    const random = seeded(1);
    const kitsune = new Kitsune(1500);
    const sheet = new Sheet();
    let timeUs = 1e15;
    for (let i = 0; i < 1700; i++) {
      timeUs += 20_000 + 10_000 * random();
      kitsune.onPacket(
        packet({ timeUs, source: `10.0.0.${1 + (i % 5)}`, bytes: 200 + 50 * random() }),
        sheet,
      );
    }
    for (let i = 0; i < 300; i++) {
      timeUs += 100;
      kitsune.onPacket(packet({ timeUs, source: '10.0.0.66', bytes: 60 }), sheet);
    }
    assert.ok(sheet.most('10.0.0.66') > kitsune.alarmFrom);
    assert.ok(sheet.most('10.0.0.66') > 2 * sheet.most('10.0.0.2'));
  });
});

describe('Kitsune without anything to learn from', () => {
  it('finds nothing odd', () => {
    const kitsune = new Kitsune(20);
    const sheet = new Sheet();
    for (let i = 0; i < 400; i++) kitsune.onPacket(packet({ timeUs: 1e15 + i * 1000 }), sheet);
    assert.ok(sheet.scores.length > 0);
    assert.ok(sheet.scores.every(({ score }) => score === 0));
  });
});

describe('baselines by rule', () => {
  it('ZScore knows a host by its own past', () => {
    const baseline = new ZScore();
    const sheet = new Sheet();
    for (let tick = 0; tick < 30; tick++) {
      const n = tick === 25 ? 500 : 10 + (tick % 3);
      for (let i = 0; i < n; i++) baseline.onPacket(packet({ timeUs: tick * 5e6 + i }), sheet);
    }
    baseline.onEnd(sheet);
    const ofHost = sheet.scores.filter(({ address }) => address === '10.0.0.1');
    assert.equal(ofHost.length, 30);
    assert.ok(ofHost[25]!.score > 20);
    assert.ok(Math.max(...ofHost.slice(0, 25).map(({ score }) => score)) < 3);
  });

  it('Rita gives a clock of equal sizes almost everything, and chance little', () => {
    const clock = Array.from({ length: 50 }, (_, i) => 60 * i);
    const score = beaconScore(
      clock,
      clock.map(() => 300),
    );
    // Only the count is not full: one a minute in place of six.
    close(score, (4 + 50 / (49 * 6) + (1 - 300 / 65_535)) / 6, 2e-3);
    const random = seeded(2);
    let at = 0;
    const chance = clock.map(() => (at += Math.floor(600 * random() ** 4)));
    assert.ok(
      beaconScore(
        chance,
        chance.map(() => 5000 * random()),
      ) < 0.6,
    );
  });

  it('Rita looks at pairs to the outside that have twenty connections', () => {
    const baseline = new Rita();
    const sheet = new Sheet();
    for (let i = 0; i < 20; i++) {
      const at = { startUs: i * 60e6, endUs: i * 60e6 + 1 };
      baseline.onFlow(flow({ ...at, isOutbound: true, responder: '203.0.113.1' }), sheet);
      baseline.onFlow(flow({ ...at, originator: '10.0.0.9' }), sheet);
    }
    assert.deepEqual(
      sheet.scores.map(({ address }) => address),
      ['10.0.0.1'],
    );
  });

  it('Slips tells of scans at 5 and at powers of ten', () => {
    const baseline = new Slips();
    const sheet = new Sheet();
    const threats: number[] = [];
    for (let port = 1; port <= 100; port++) {
      const failed = { isEstablished: false, responderPort: port, originatorPackets: 1 };
      baseline.onFlow(flow(failed), sheet);
      threats.push(sheet.most('10.0.0.1'));
    }
    close(threats[3]!, 0);
    close(threats[4]!, 0.8 * 0.5);
    close(threats[9]!, 0.8 * 0.5 + 0.8);
    close(threats[98]!, threats[9]!);
    close(threats[99]!, threats[9]! + 0.8);
  });

  it('Slips tells of refused logins, uploads, missing names and ARP sweeps', () => {
    const cases: [name: string, threat: number, run: (b: Slips, s: Sheet) => void][] = [
      ['9 logins', 0.8, (b, s) => repeat(9, () => b.onFlow(flow({ responderPort: 22 }), s))],
      ['8 logins', 0, (b, s) => repeat(8, () => b.onFlow(flow({ responderPort: 22 }), s))],
      [
        '100 MB',
        0.5,
        (b, s) => repeat(2, () => b.onFlow(flow({ isOutbound: true, originatorBytes: 5e7 }), s)),
      ],
      [
        '10 names',
        0.8,
        (b, s) => repeat(10, () => b.onPacket(packet({ dnsCode: 3, destination: '10.0.0.1' }), s)),
      ],
      [
        '5 addresses',
        0.2,
        (b, s) =>
          repeat(5, (i) =>
            b.onPacket(packet({ isArpRequest: true, destination: `10.0.0.${i}` }), s),
          ),
      ],
    ];
    for (const [name, threat, run] of cases) {
      const sheet = new Sheet();
      run(new Slips(), sheet);
      assert.equal(sheet.most('10.0.0.1'), threat, name);
    }
  });

  it('FastNetMon reaches its thresholds by packets, bits or flows in a second', () => {
    const cases: [share: number, n: number, of: (i: number) => Partial<Packet>][] = [
      [0.5, 10_000, () => ({})],
      [0.8, 10_000, () => ({ bytes: 10_000 })],
      [1, 3500, (i) => ({ sourcePort: 1 + i })],
    ];
    for (const [share, n, of] of cases) {
      const sheet = new Sheet();
      const baseline = new FastNetMon();
      repeat(n, (i) => baseline.onPacket(packet({ timeUs: i, ...of(i) }), sheet));
      baseline.onEnd(sheet);
      close(sheet.most('10.0.0.2'), share);
    }
  });
});

function repeat(n: number, run: (i: number) => void): void {
  for (let i = 0; i < n; i++) run(i);
}
