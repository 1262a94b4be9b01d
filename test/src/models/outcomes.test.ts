import assert from 'node:assert/strict';
import { OutcomeHistory, Walk, type OutcomeModel } from '../../../src/models/outcomes.js';
import { seeded } from '../support/traffic.js';

const MODEL: OutcomeModel = {
  normal: [0.85, 0.08, 0.05, 0.02],
  normalWeight: 20,
  attack: [0.04, 0.16, 0.25, 0.55],
  learningDelayUs: 1000,
};

/** Mean of the next bet when outcomes come as the history predicts them. */
function meanBet(history: OutcomeHistory): number {
  return MODEL.normal.reduce(
    (sum, _, kind) => sum + history.probability(kind, MODEL) * Math.exp(history.lnE(kind, MODEL)),
    0,
  );
}

describe('outcomes', () => {
  it('are bets of mean one, whatever was learned', () => {
    const random = seeded(1);
    for (let run = 0; run < 50; run++) {
      const history = new OutcomeHistory(4);
      const favourite = Math.floor(random() * 4);
      for (let i = 0; i < 300; i++) {
        assert.ok(Math.abs(meanBet(history) - 1) < 1e-9);
        const kind = random() < 0.7 ? favourite : Math.floor(random() * 4);
        history.note(kind, i * 10, MODEL);
      }
    }
  });

  it('have a mean of at most one when they come as the prior says, bet by bet', () => {
    const random = seeded(2);
    let sum = 0;
    const runs = 20_000;
    for (let run = 0; run < runs; run++) {
      const history = new OutcomeHistory(4);
      let wealth = 1;
      for (let i = 0; i < 4; i++) {
        let kind = 0;
        for (let u = random(); kind < 3 && u >= MODEL.normal[kind]!; kind++)
          u -= MODEL.normal[kind]!;
        wealth *= Math.exp(history.lnE(kind, MODEL));
        history.note(kind, i, MODEL);
      }
      sum += wealth;
    }
    assert.ok(sum / runs < 1.15, `${sum / runs}`);
  });

  it('teach when they are old enough, and then say nothing more', () => {
    const history = new OutcomeHistory(4);
    for (let i = 0; i < 50; i++) history.note(3, i, MODEL);
    assert.equal(history.references, 0);
    assert.ok(history.lnE(3, MODEL) > 3);
    history.note(3, 2000, MODEL);
    assert.equal(history.references, 50);
    for (let i = 0; i < 2000; i++) history.note(3, 2000 + 10 * i, MODEL);
    assert.equal(history.lnE(3, MODEL), 0);
    assert.equal(history.lnE(0, MODEL), 0);
  });
});

describe('a walk', () => {
  it('is bet on from where it comes back to zero until it has sunk to the floor', () => {
    const walk = new Walk();
    assert.equal(walk.isBetOn, false);
    walk.advance(2.5);
    assert.equal(walk.isBetOn, true);
    assert.equal(walk.betsBeforeFloor(-0.5), 7);
    for (let i = 0; i < 7; i++) {
      assert.equal(walk.isBetOn, true);
      walk.advance(-0.5);
    }
    assert.equal(walk.isBetOn, false);
    assert.equal(walk.value, Walk.FLOOR);
  });
});
