import assert from 'node:assert/strict';
import { ATTACKS, attackNamed } from '../../../bench/lab/attacks/index.js';
import { secondsAt } from '../../../bench/lab/attacks/set_attack.js';
import { playNamed } from '../../../bench/lab/plays.js';
import { STAGES } from '../../../src/domain/evidence.js';

const SCAN = attackNamed('scan_horizontal-nmap')!;

describe('attacks of the data set', () => {
  it('are named by kind and tool, each once', () => {
    const names = ATTACKS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, kind } of ATTACKS) assert.ok(name.startsWith(`${kind}-`), name);
  });

  it('have a stage of the kill chain and a technique', () => {
    for (const { name, stage, technique } of ATTACKS) {
      assert.ok(STAGES.includes(stage), name);
      assert.match(technique, /^T\d{4}(\.\d{3})?$/);
    }
  });

  it('get more time where they are slower, but not in proportion', () => {
    const times = [1, 0.25, 0.05].map((intensity) => secondsAt(SCAN, intensity));
    assert.deepEqual(times, [40, 61, 98]);
  });

  it('are played between quiet times', () => {
    assert.equal(playNamed(SCAN.name, 1).seconds, 20 + 40 + 8);
  });
});

describe('playNamed', () => {
  it('knows benign captures, with more hosts for the large office', () => {
    assert.equal(playNamed('benign-session', 1).moreHosts, undefined);
    assert.equal(playNamed('benign-day', 1).moreHosts?.length, 51);
  });

  it('knows the scenarios of the bundled captures', () => {
    assert.equal(playNamed('office_day', 1).seconds, 240);
  });

  it('refuses other names', () => {
    assert.throws(() => playNamed('nothing', 1), /no scenario nothing/);
  });
});
