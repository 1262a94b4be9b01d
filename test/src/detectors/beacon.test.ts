import assert from 'node:assert/strict';
import { assertGoesOn } from '../support/cut_run.js';
import { betsOn, judge, seeded, START_US, Traffic, type SeenBet } from '../support/traffic.js';

/** An hour and a half of 24 devices that browse, ask for the time and update; one of them may call home. */
function office(seed: number, beacon: { every: number; jitter: number } | null): Traffic {
  const random = seeded(seed);
  const traffic = new Traffic();
  for (let host = 0; host < 24; host++) {
    const from = `10.0.0.${10 + host}`;
    const begun = random() * 60;
    for (let at = begun; at < 5400; at += 64) {
      traffic.connect({ at, from, to: '203.0.113.5', port: 123 }, { up: 48, down: 48 });
    }
    for (let at = begun; at < 5400; at += 900 * (0.9 + 0.2 * random())) {
      traffic.connect({ at, from, to: '203.0.112.7', port: 443 }, { up: 700 });
    }
    for (let site = 0; site < 5; site++) {
      const to = `198.51.${Math.floor(random() * 40)}.1`;
      for (let at = 600 * random(); at < 5400; at -= 300 * Math.log(1 - random())) {
        traffic.connect({ at, from, to, port: 443 }, { up: 500 + 3000 * random() });
      }
    }
  }
  for (let at = 1500, n = 0; beacon !== null && n < 48; n++) {
    traffic.connect(
      { at, from: '10.0.0.20', to: '192.0.2.66', port: 443 },
      { up: 220, lasts: 0.2 },
    );
    at += beacon.every * (1 + beacon.jitter * (2 * random() - 1));
  }
  return traffic;
}

const ofBeacons = (bets: SeenBet[]): SeenBet[] => bets.filter(({ lane }) => lane === 'beacon');

describe('beacon', () => {
  it('is the strongest evidence of its lane by the 12th contact', () => {
    const bets = ofBeacons(betsOn(office(1, { every: 60, jitter: 0.2 })));
    const strongest = bets.reduce((a, b) => (b.lnE > a.lnE ? b : a));
    assert.equal(strongest.address, '10.0.0.20');
    const ofBeacon = bets.filter(({ address, lnE }) => address === '10.0.0.20' && lnE > 0.1);
    assert.ok(ofBeacon[0]!.timeUs <= START_US + (1500 + 12 * 72) * 1e6);
  });

  it('is remembered by the next run, in the middle of its contacts', () => {
    assertGoesOn(office(1, { every: 60, jitter: 0.2 }), [2600]);
  });

  it('makes no incident of updaters and clocks, and bets of mean 1 at most on them', () => {
    let sum = 0;
    let n = 0;
    for (let seed = 2; seed < 5; seed++) {
      const wealth = new Map<string, number>();
      for (const { address, lnE } of ofBeacons(betsOn(office(seed, null)))) {
        wealth.set(address, (wealth.get(address) ?? 0) + lnE);
      }
      for (const ln of wealth.values()) sum += Math.exp(ln);
      n += wealth.size;
    }
    assert.ok(n > 60 && sum / n < 1.15, `${sum / n} over ${n}`);
    assert.deepEqual(judge(office(5, null)).incidents, []);
  });
});
