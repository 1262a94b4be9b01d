import assert from 'node:assert/strict';
import { assertGoesOn } from '../support/cut_run.js';
import { betsOn, judge, seeded, Traffic, type SeenBet } from '../support/traffic.js';

/** Days of a few hours in which 24 devices send to new and known destinations, mostly little. */
function office(seed: number, days: number, hasBackup = true): Traffic {
  const random = seeded(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const traffic = new Traffic();
  for (let day = 0; day < days; day++) {
    for (let i = 0; i < 600; i++) {
      const from = `10.0.0.${10 + Math.floor(random() * 24)}`;
      const own = Math.floor(random() * 4);
      const site =
        random() < 0.5 ? `198.51.${from.slice(7)}.${own}` : `203.${Math.floor(random() * 200)}.9.1`;
      const up = Math.exp(9 + 1.8 * normal());
      traffic.connect({ at: day * 86_400 + random() * 14_400, from, to: site, port: 443 }, { up });
    }
    // A backup each day, from the device and to the place that it always uses.
    if (!hasBackup) continue;
    const backup = { at: day * 86_400 + 9000, from: '10.0.0.9', to: '203.0.113.80', port: 443 };
    traffic.connect(backup, { up: 5e9, lasts: 600 });
  }
  return traffic;
}

const ofLane = (bets: SeenBet[]): SeenBet[] => bets.filter(({ lane }) => lane === 'exfiltration');

function sums(bets: SeenBet[]): Map<string, number> {
  const byAddress = new Map<string, number>();
  for (const { address, lnE } of bets) {
    byAddress.set(address, (byAddress.get(address) ?? 0) + lnE);
  }
  return byAddress;
}

describe('data leaving', () => {
  it('is the strongest evidence there is when gigabytes go to a new place, while they go', () => {
    const traffic = office(1, 6);
    const theft = { at: 5 * 86_400 + 15_000, from: '10.0.0.20', to: '192.0.2.66', port: 443 };
    traffic.connect(theft, { up: 8e9, lasts: 60 });
    const bets = ofLane(betsOn(traffic));
    const strongest = bets.reduce((a, b) => (b.lnE > a.lnE ? b : a));
    assert.equal(strongest.address, '10.0.0.20');
    assert.ok(strongest.lnE > 4, `${strongest.lnE}`);
  });

  it('is remembered by the next run, in the middle of its flows and ladders', () => {
    const theft = { at: 9000, from: '10.0.0.20', to: '192.0.2.66', port: 443 };
    const traffic = office(1, 2).stream(theft, 30, { up: 3e7, down: 1e5 });
    assertGoesOn(traffic, [9330, 86_400]);
  });

  it('wins no bet in an earlier capture that was paid for in a later one', () => {
    const flow = { from: '10.0.0.20', to: '192.0.2.66', port: 443 };
    // A week back is two hours before: the ladder of the day goes on.
    const later = new Traffic().connect({ at: 7 * 86_400 - 7200, ...flow }, { up: 2e4 });
    const earlier = new Traffic().connect({ at: 0, ...flow }, { up: 8e4 });
    const bets = ofLane(betsOn(earlier, judge(later).learned));
    assert.ok(bets.length > 0);
    assert.deepEqual(
      bets.filter(({ lnE }) => lnE > 0),
      [],
    );
  });

  it('makes no incident of uploads and a daily backup, and bets of mean 1 at most on them', () => {
    let sum = 0;
    let n = 0;
    for (let seed = 2; seed < 5; seed++) {
      for (const ln of sums(ofLane(betsOn(office(seed, 4, false)))).values()) {
        sum += Math.exp(ln);
        n++;
      }
    }
    assert.ok(n > 30 && sum / n < 1.1, `${sum / n} over ${n}`);
    assert.deepEqual(judge(office(6, 4)).incidents, []);
  });
});
