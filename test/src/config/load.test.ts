import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { responsePolicyOf } from '../../../src/config/response_policy.js';
import { loadSettings } from '../../../src/config/load.js';
import { SETTINGS, type RawSettings } from '../../../src/config/settings.js';
import { ThymusError } from '../../../src/errors.js';

describe('loadSettings', () => {
  let folder: string;
  const file = (text: string): string => {
    const path = join(folder, 'thymus.yaml');
    writeFileSync(path, text);
    return path;
  };
  const refusal = async (flags: RawSettings, path: string | null): Promise<ThymusError> => {
    try {
      await loadSettings(flags, path);
    } catch (error) {
      assert.ok(error instanceof ThymusError);
      return error;
    }
    return assert.fail('nothing was refused');
  };

  before(() => (folder = mkdtempSync(join(tmpdir(), 'thymus-config-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('gives every default when nothing is set', async () => {
    const settings = await loadSettings({}, null);
    assert.equal(Object.keys(settings).length, SETTINGS.length);
    assert.equal(settings.budget, 1);
    assert.equal(settings.maxFlows, 1_048_576);
    assert.ok(settings.homeNet.includes('fc00::/7'));
    assert.equal(settings.store, 'incidents');
  });

  it('every default passes its own check', async () => {
    const defaults = Object.fromEntries(
      SETTINGS.filter((row) => row.fallback !== null).map((row) => [row.name, row.fallback]),
    );
    assert.deepEqual(await loadSettings(defaults, null), await loadSettings({}, null));
  });

  it('lets flags win over the file and the file over the defaults', async () => {
    const path = file('lanes: 3\nbudget: 5\nhome-net: [192.0.2.0/24]\n');
    const settings = await loadSettings({ budget: '0.5' }, path);
    assert.equal(settings.lanes, 3);
    assert.equal(settings.budget, 0.5);
    assert.equal(settings.shards, 1);
    assert.deepEqual(settings.homeNet, ['192.0.2.0/24']);
  });

  it('takes an empty file for no settings', async () => {
    assert.deepEqual(await loadSettings({}, file('# nothing\n')), await loadSettings({}, null));
  });

  it('reads who may be acted on, and refuses what is no zone or host', async () => {
    const flags = { 'respond-zones': '10.1.0.0/16=auto, slice:7=observe' };
    const path = file('respond: guarded\nrespond-allow: [10.0.0.1, example.org]\n');
    const settings = await loadSettings(flags, path);
    assert.deepEqual(settings.respondZones, [
      { where: '10.1.0.0/16', mode: 'auto' },
      { where: 'slice:7', mode: 'observe' },
    ]);
    assert.deepEqual(settings.respondAllow, ['10.0.0.1', 'example.org']);
    assert.equal(responsePolicyOf(settings).mode, 'guarded');
    for (const zones of ['10.0.0.0/8', '10.0.0.0/33=auto', 'slice:x=auto', '10.0.0.0/8=often']) {
      assert.match((await refusal({ 'respond-zones': zones }, null)).message, /must be zones/);
    }
    for (const host of ['10.0.0.1.', '10.0.0.0/33', 'a b', '300.1.1.1', '']) {
      assert.match((await refusal({ 'respond-allow': host }, null)).message, /must be address/);
    }
  });

  it('splits prefixes of a flag at commas', async () => {
    const { homeNet } = await loadSettings({ 'home-net': '10.0.0.0/8, fc00::/7' }, null);
    assert.deepEqual(homeNet, ['10.0.0.0/8', 'fc00::/7']);
  });

  for (const [name, value, message] of [
    ['lanes', '0', '\'--lanes\' must be a whole number from 1 to 64, not "0".'],
    ['lanes', '1.5', '\'--lanes\' must be a whole number from 1 to 64, not "1.5".'],
    ['lanes', 'two', '\'--lanes\' must be a whole number from 1 to 64, not "two".'],
    ['lanes', '', '\'--lanes\' must be a whole number from 1 to 64, not "".'],
    ['budget', '1e9', '\'--budget\' must be a number from 0.001 to 1000, not "1e9".'],
    ['checksums', 'loose', '\'--checksums\' must be one of accept, strict, not "loose".'],
  ] as const) {
    it(`refuses --${name} '${value}' with one sentence`, async () => {
      const error = await refusal({ [name]: value }, null);
      assert.equal(error.code, 'USAGE');
      assert.equal(error.message, message);
    });
  }

  for (const prefix of [
    '10.0.0.0/33',
    '10.0.0/8',
    'fc00::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    'x',
  ]) {
    it(`refuses the prefix '${prefix}'`, async () => {
      const error = await refusal({ 'home-net': prefix }, null);
      assert.match(error.message, /^'--home-net' must be address prefixes such as/);
    });
  }

  for (const [what, text, pattern] of [
    ['an unknown key', 'laness: 2', /'laness' is no setting; there are home-net, scanners, budget/],
    ['a wrong value', 'shards: many', /'shards' must be a whole number from 1 to 64, not "many"/],
    ['a list at the top', '- lanes', /must be a list of settings such as 'lanes: 2'/],
    ['what is not YAML', 'lanes: [', /is not valid YAML/],
  ] as const) {
    it(`refuses ${what} in the file and names the file`, async () => {
      const error = await refusal({}, file(text));
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.match(error.message, pattern);
      assert.ok(error.message.includes('thymus.yaml'));
      assert.ok(!error.message.includes('\n'));
    });
  }

  it('names a file that is not there', async () => {
    const error = await refusal({}, join(folder, 'absent.yaml'));
    assert.match(error.message, /absent\.yaml cannot be read \(ENOENT\): check its path\.$/);
  });
});
