import assert from 'node:assert/strict';
import { assertGoesOn } from '../support/cut_run.js';
import { betsOn, judge, seeded, Traffic, type SeenBet } from '../support/traffic.js';

/** Two hours of 25 devices, each with one of four browsers and an updater. */
function office(seed: number): Traffic {
  const random = seeded(seed);
  const traffic = new Traffic();
  for (let i = 0; i < 1500; i++) {
    const host = Math.floor(random() * 25);
    const isUpdater = random() < 0.2;
    const name = isUpdater ? 7 : 1000 + Math.floor(300 * random() ** 2);
    const to = `203.0.${name & 255}.${1 + (name >> 8)}`;
    const clientFingerprint = isUpdater ? 9000 : 8000 + (host % 4);
    const flow = { at: 7200 * random(), from: `10.0.0.${10 + host}`, to, port: 443 };
    traffic.stream(flow, 1, { up: 900, down: 9000, clientFingerprint, nameHash: name });
  }
  return traffic;
}

const ofLane = (bets: SeenBet[]): SeenBet[] => bets.filter(({ lane }) => lane === 'fingerprint');

describe('rare fingerprint', () => {
  it('is the strongest evidence of its lane when a program of no one else calls a bare address', () => {
    const traffic = office(1);
    const flow = { at: 6600, from: '10.0.0.17', to: '192.0.2.66', port: 4041 };
    traffic.stream(flow, 1, { up: 900, down: 900, clientFingerprint: 666 });
    const bets = ofLane(betsOn(traffic));
    const late = bets.filter(
      ({ timeUs }) => timeUs >= Math.max(...bets.map((b) => b.timeUs)) - 6e8,
    );
    const strongest = late.reduce((a, b) => (b.lnE > a.lnE ? b : a));
    assert.equal(strongest.address, '10.0.0.17');
  });

  it('is known to the next run when somebody showed it in the one before', () => {
    const traffic = office(1);
    for (const at of [3000, 6600]) {
      const flow = { at, from: '10.0.0.17', to: '192.0.2.66', port: 4041 };
      traffic.stream(flow, 1, { up: 900, down: 900, clientFingerprint: 666 });
    }
    assertGoesOn(traffic, [6000]);
  });

  it('bets less than 1 in the mean on browsers and updaters, and makes no incident of them', () => {
    const bets = [2, 3, 4].flatMap((seed) => ofLane(betsOn(office(seed))));
    const mean = bets.reduce((sum, { lnE }) => sum + Math.exp(lnE), 0) / bets.length;
    assert.ok(bets.length > 500 && mean < 1.05, `${mean} of ${bets.length}`);
    assert.deepEqual(judge(office(5)).incidents, []);
  });
});
