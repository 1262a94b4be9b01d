import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModel } from '../../../src/store/model_file.js';
import { ModelShelf } from '../../../src/store/model_shelf.js';
import { addressScan, conversation, inOrder, MORNING_US, writePcap } from '../support/captures.js';
import { eveEvents, thymus } from '../support/thymus.js';

const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };
const MINUTE_US = 60e6;
// What is asked for is given up after three seconds: the later talk lets that happen in time.
const FIRST = inOrder(
  conversation(ENDS, MORNING_US),
  addressScan('10.0.0.9', 12, MORNING_US),
  conversation({ ...ENDS, fromPort: 40_001 }, MORNING_US + 10e6),
);
const SECOND = addressScan('10.0.0.9', 30, MORNING_US + MINUTE_US, 22);

describe('models of the command line', function () {
  this.timeout(30_000);
  let folder: string;
  let first: string;
  let second: string;
  const at = (name: string): string => join(folder, name);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-model-'));
    first = writePcap(at('first.pcap'), FIRST);
    second = writePcap(at('second.pcap'), SECOND);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What a replay says of incidents, but for names of flows, which are of one run. */
  async function incidentsOf(...args: string[]): Promise<unknown[]> {
    const { out, code } = await thymus(['replay', '--no-store', '--json', ...args]);
    assert.equal(code, 0);
    const incidents = eveEvents(out).filter((event) => event['event_type'] === 'incident');
    return incidents.map((event) => ({ ...event, flow_id: null })).map(withoutFlowIds);
  }

  it('let a capture that was cut in two be judged as the whole is', async () => {
    const whole = await incidentsOf(first, second);
    assert.equal(whole.length, 1);
    assert.deepEqual(await incidentsOf('--save-model', at('model'), first), []);
    const after = await incidentsOf('--model', at('model'), '--shards', '3', second);
    assert.deepEqual(after, whole);
    // Without what the first part taught, the second alone is judged otherwise.
    assert.notDeepEqual(await incidentsOf(second), whole);
  });

  it('say what they learned from, run after run', async () => {
    await incidentsOf('--save-model', at('one'), first);
    await incidentsOf('--model', at('one'), '--save-model', at('two'), second);
    const { out } = await thymus(['model', '--model', at('two')]);
    assert.match(out, /Knows 2 hosts/);
    assert.match(out, /first\.pcap\n.*second\.pcap\n/);
    const { lessons } = readModel(at('two')).about;
    assert.deepEqual(
      lessons.map(({ fromUs }) => fromUs),
      [MORNING_US, MORNING_US + MINUTE_US],
    );
  });

  it('are the same from run to run, for any number of lanes', async () => {
    await incidentsOf('--save-model', at('a'), first, second);
    await incidentsOf('--save-model', at('b'), '--lanes', '3', first, second);
    assert.ok(readFileSync(at('a')).equals(readFileSync(at('b'))));
  });

  it('are refused in one sentence when they are cut, changed, foreign or not there', async () => {
    await incidentsOf('--save-model', at('good'), first);
    const good = readFileSync(at('good'));
    const changed = Buffer.from(good);
    changed[good.length >> 1]! ^= 1;
    const foreign = Buffer.from(good);
    foreign.writeUInt32LE(99, 8);
    const wrong: [string, Uint8Array | null, RegExp][] = [
      ['cut', good.subarray(0, good.length - 9), /is damaged/],
      ['changed', changed, /is damaged/],
      ['foreign', foreign, /another version \(layout 99, not \d+\)/],
      ['other', Buffer.from('a text that is long enough to be one of these models'), /no model/],
      ['missing', null, /is not there/],
    ];
    for (const [name, bytes, sentence] of wrong) {
      if (bytes !== null) writeFileSync(at(name), bytes);
      const { code, out, err } = await thymus(['replay', '--no-store', '--model', at(name), first]);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, sentence);
      assert.match(err, /^thymus: [^\n]+\.\n$/);
    }
  });

  it('are kept by day and rolled back', async () => {
    await incidentsOf('--save-model', at('one'), first);
    const model = readModel(at('one'));
    const shelf = new ModelShelf(folder);
    for (let day = 0; day < 20; day++) {
      const untilUs = MORNING_US + day * 86_400e6;
      shelf.keep({ ...model, state: { ...model.state, untilUs } });
    }
    const days = shelf.days();
    assert.equal(days.length, 14);
    assert.equal(shelf.latest()!.state.untilUs, MORNING_US + 19 * 86_400e6);
    const { code, out } = await thymus(['model', '--state', folder, '--roll-back', days[3]!]);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`Learned until ${days[3]}`));
    assert.deepEqual(shelf.days(), days.slice(0, 4));
    assert.equal(shelf.latest()!.state.untilUs, MORNING_US + 9 * 86_400e6);
    const refused = await thymus(['model', '--state', folder, '--roll-back', '1999-01-01']);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /No model of '1999-01-01' is kept: there are /);
  });

  it('do not take what many runs have learned', async () => {
    const { code, err } = await thymus(['replay', '--each', '--save-model', at('x'), first]);
    assert.equal(code, 2);
    assert.match(err, /'--save-model' takes what one run has learned/);
  });
});

function withoutFlowIds(value: unknown): unknown {
  const hideFlowId = (key: string, part: unknown): unknown => (key === 'flow_id' ? null : part);
  return JSON.parse(JSON.stringify(value, hideFlowId)) as unknown;
}
