import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lnPriorFactor } from '../../../src/domain/lane_priors.js';
import {
  addFeedback,
  FEEDBACK_FILE,
  priorsOf,
  readFeedback,
} from '../../../src/store/feedback_file.js';
import { readModel, writeModel } from '../../../src/store/model_file.js';
import { addressScan, conversation, MORNING_US, writePcap } from '../support/captures.js';
import { eveEvents, thymus } from '../support/thymus.js';

describe('lnPriorFactor', () => {
  const cases = [
    [0, 0, 1],
    [1, 0, 2],
    [0, 3, 1 / 4],
    [5, 5, 1],
    [100_000, 0, 100],
    [0, 100_000, 1 / 100],
  ] as const;
  for (const [attack, benign, factor] of cases) {
    it(`is ${factor} for ${attack} attacks and ${benign} benign`, () => {
      assert.ok(Math.abs(Math.exp(lnPriorFactor({ attack, benign })) / factor - 1) < 1e-12);
    });
  }
});

describe('thymus feedback', function () {
  this.timeout(30_000);
  let folder: string;
  let scan: string;
  let talk: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-feedback-'));
    // As many contacts as just alarm: more would be sure whatever was said.
    scan = writePcap(join(folder, 'scan.pcap'), addressScan('10.0.0.9', 16, MORNING_US));
    const ends = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };
    talk = writePcap(join(folder, 'talk.pcap'), conversation(ends, MORNING_US - 3600e6));
    await thymus(['replay', '--quiet', '--state', folder, scan]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const say = (verdict: string): ReturnType<typeof thymus> =>
    thymus(['feedback', '1', verdict, '--state', folder]);

  it('keeps what was said last, and says what it changes', async () => {
    const attack = await say('attack');
    assert.equal(attack.code, 0, attack.err);
    const benign = await say('benign');
    assert.match(benign.out, /is benign\. .*\(address scan\) is real are taken 0\.5 times\.\n$/);
    assert.equal(readFeedback(folder).length, 1);
  });

  it('refuses another word, and an incident that is not there', async () => {
    const word = await say('harmless');
    assert.equal(word.code, 2);
    assert.match(word.err, /'benign' or 'attack', not 'harmless'/);
    assert.equal((await thymus(['feedback', '77', 'benign', '--state', folder])).code, 2);
  });

  it('passes over lines that are none', () => {
    appendFileSync(join(folder, FEEDBACK_FILE), '{"incident":"x"\n\nnull\n');
    assert.equal(readFeedback(folder).length, 1);
  });

  it('changes how sure an incident is, and not which there are', async () => {
    const sureness = async (...args: string[]): Promise<number[]> => {
      const { out } = await thymus(['replay', '--no-store', '--json', ...args, scan]);
      const incidents = eveEvents(out).filter((event) => event['event_type'] === 'incident');
      return incidents.map((event) => (event['incident'] as { confidence: number }).confidence);
    };
    for (let i = 0; i < 30; i++) {
      const at = new Date(0).toISOString();
      addFeedback(folder, { incident: `r/${i}`, is: 'benign', lane: 'scan_horizontal', at });
    }
    const path = join(folder, 'model');
    await thymus(['replay', '--no-store', '--quiet', '--save-model', path, talk]);
    const { about, state } = readModel(path);
    writeModel(path, { about: { ...about, priors: priorsOf(readFeedback(folder)) }, state });
    const [before] = await sureness();
    const after = await sureness('--model', path);
    assert.equal(after.length, 1);
    assert.ok(after[0]! < before!);
  });
});
