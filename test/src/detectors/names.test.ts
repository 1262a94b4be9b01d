import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { compareAlarms } from '../../../src/domain/incident.js';
import { hasFileHead } from '../../../src/detectors/file_heads.js';
import { labelModel, lnDrawnAtRandom, subdomainModel } from '../../../src/models/name_model.js';
import { SEED_WORDS } from '../../../src/models/name_seed.js';
import { assertGoesOn, inTwo } from '../support/cut_run.js';
import { judge, seeded, START_US, Traffic } from '../support/traffic.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

function drawn(random: () => number, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

/** Two words that stand beside each other in no seed. */
function wordName(random: () => number): string {
  const word = (): string => SEED_WORDS[Math.floor(random() * SEED_WORDS.length)]!;
  return `${word()}${word()}.com`;
}

const DEVICE = '10.0.0.7';

describe('names as people make them', () => {
  const ratio = (label: string): number => {
    const bytes = new TextEncoder().encode(label);
    const people = labelModel().lnProbability(bytes, 0, bytes.length);
    return lnDrawnAtRandom(bytes, 0, bytes.length) - people;
  };

  it('are told from names drawn at random', () => {
    const random = seeded(3);
    const words = Array.from({ length: 300 }, () => ratio(wordName(random).slice(0, -4)));
    const letters = Array.from({ length: 300 }, () => ratio(drawn(random, LETTERS, 14)));
    assert.ok(words.filter((x) => x < 12).length > 290);
    assert.ok(letters.filter((x) => x >= 12).length > 290);
  });

  it('have a probability that sums to one over what may come next', () => {
    const bytes = new TextEncoder().encode('webx');
    const before = subdomainModel().lnProbability(bytes, 0, 3);
    let sum = 0;
    for (const char of 'abcdefghijklmnopqrstuvwxyz0123456789-_.!') {
      bytes[3] = char.charCodeAt(0);
      sum += Math.exp(subdomainModel().lnProbability(bytes, 0, 4) - before);
    }
    assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`);
  });
});

describe('generated names', () => {
  const generator = (traffic: Traffic, count: number): Traffic => {
    const random = seeded(5);
    for (let i = 0; i < count; i++) {
      const name = `${drawn(random, LETTERS, 13)}.net`;
      traffic.resolve({ at: 10 + i, from: DEVICE }, name, { rcode: 3 });
    }
    return traffic;
  };

  it('are told by the tenth that does not exist', () => {
    const { alarms, incidents } = judge(generator(new Traffic(), 30));
    assert.equal(incidents.length, 1);
    assert.equal(incidents[0]!.entity.address, DEVICE);
    assert.equal(incidents[0]!.detectors[0], 'dga');
    assert.equal(incidents[0]!.stage, 'c2');
    assert.match(incidents[0]!.summary, /new names .* do not exist and \d+ look random, such as/);
    assert.ok(alarms[0]!.timeUs - START_US <= 20e6, `${alarms[0]!.timeUs - START_US}`);
  });

  it('are remembered by the next run', () => {
    assertGoesOn(generator(new Traffic(), 60), [10, 15, 40]);
  });

  it('are told when they are made of words, by not existing', () => {
    const random = seeded(9);
    const traffic = new Traffic();
    for (let i = 0; i < 30; i++) {
      traffic.resolve({ at: i, from: DEVICE }, wordName(random), { rcode: 3 });
    }
    assert.equal(judge(traffic).incidents[0]?.detectors[0], 'dga');
  });

  it('are told the same with several shards', () => {
    const one = judge(generator(new Traffic(), 30)).alarms;
    for (const shards of [2, 3]) {
      const several = judge(generator(new Traffic(), 30), { shards }).alarms;
      assert.deepEqual(several.sort(compareAlarms), one);
    }
  });

  it('are not what a person who types and a search list make', () => {
    const random = seeded(11);
    const traffic = new Traffic();
    for (let i = 0; i < 400; i++) {
      const at = i * 3;
      const name = wordName(random);
      const isRandom = random() < 0.06;
      const shown = isRandom ? `${drawn(random, LETTERS, 12)}.net` : name;
      traffic.resolve({ at, from: DEVICE }, `www.${shown}`, { rcode: random() < 0.04 ? 3 : 0 });
      traffic.resolve({ at: at + 1, from: DEVICE }, `${name}.corp.example.com`, { rcode: 3 });
      traffic.resolve({ at: at + 2, from: DEVICE }, `${drawn(random, LETTERS, 9)}.local`, {
        rcode: 3,
      });
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });
});

describe('DNS tunnel', () => {
  const tunnel = (traffic: Traffic, gap: number): Traffic => {
    const random = seeded(21);
    for (let i = 0; i < 60; i++) {
      const data = `${drawn(random, BASE32, 40)}.${drawn(random, BASE32, 30)}`;
      traffic.resolve({ at: i * gap, from: DEVICE }, `${data}.t.example.org`, { rrtype: 16 });
    }
    return traffic;
  };
  const browse = (traffic: Traffic, from: string, seed: number): Traffic => {
    const random = seeded(seed);
    const sites = Array.from({ length: 40 }, () => wordName(random));
    for (let i = 0; i < 600; i++) {
      const site = sites[Math.floor(random() * sites.length)]!;
      const host = random() < 0.1 ? drawn(random, BASE32, 14) : 'www';
      traffic.resolve({ at: i * 0.9, from }, `${host}.${site}`);
    }
    return traffic;
  };

  it('is told within ten questions, with how much it carries', () => {
    const { alarms, incidents } = judge(tunnel(new Traffic(), 1));
    assert.equal(incidents[0]!.entity.address, DEVICE);
    assert.equal(incidents[0]!.detectors[0], 'dns_tunnel');
    assert.match(
      incidents[0]!.summary,
      /asked DNS 60 different questions below example\.org in 59 s, which carry up to [\d,]+ bytes$/,
    );
    assert.ok(alarms[0]!.timeUs - START_US <= 10e6, `${alarms[0]!.timeUs - START_US}`);
  });

  it('is remembered by the next run', () => {
    assertGoesOn(tunnel(browse(new Traffic(), DEVICE, 4), 9), [5, 30, 400]);
  });

  it('is told while its host browses', () => {
    const { incidents } = judge(tunnel(browse(new Traffic(), DEVICE, 4), 9));
    assert.deepEqual(
      incidents.map((i) => i.detectors[0]),
      ['dns_tunnel'],
    );
  });

  it('is told by its server when its names have no end that could be registered', () => {
    const random = seeded(2);
    const traffic = new Traffic();
    for (let i = 0; i < 30; i++) {
      const name = `x.${drawn(random, '0123456789abcdef', 60)}.${i}${drawn(random, 'abcdef', 20)}`;
      traffic.resolve({ at: i, from: DEVICE, to: '203.0.113.9' }, name, { rrtype: 15 });
    }
    assert.match(judge(traffic).incidents[0]!.summary, /questions of server 203\.0\.113\.9/);
  });

  it('is not what browsing, reverse look-ups and content networks do', () => {
    const traffic = browse(new Traffic(), DEVICE, 6);
    const random = seeded(8);
    for (let i = 0; i < 300; i++) {
      const digits = Array.from({ length: 32 }, () => drawn(random, '0123456789abcdef', 1));
      const reverse = `${digits.join('.')}.ip6.arpa`;
      traffic.resolve({ at: i, from: DEVICE }, reverse, { rrtype: 12 });
      const cdn = `e${100 + (i % 40)}.dsc${LETTERS[i % 7]}.edge.example.net`;
      traffic.resolve({ at: i + 0.5, from: DEVICE }, cdn);
    }
    assert.deepEqual(judge(traffic).incidents, []);
  });

  const ask = (...names: string[]): Traffic => {
    const traffic = new Traffic();
    names.forEach((name, i) => traffic.resolve({ at: 10 + i, from: DEVICE }, name));
    return traffic;
  };
  const FILE = gzipSync('user, password\n'.repeat(9));
  const lettersOf = (file: Buffer, encoding: 'base64' | 'hex'): string =>
    file.toString(encoding).replaceAll(/[+/]/g, '-').slice(0, 56);

  it('is told by one question that holds the start of a packed file', () => {
    for (const label of [
      lettersOf(FILE, 'base64'),
      lettersOf(FILE, 'hex'),
      lettersOf(FILE, 'hex').toUpperCase(),
      lettersOf(Buffer.from('-----BEGIN OPENSSH PRIVATE KEY-----'), 'base64'),
      // The local header of a ZIP file, in Base32.
      'kbfqgbauaaaaacaa',
    ]) {
      for (const name of [`${label}.x.example.org`, `a1.${label}.1`]) {
        const { incidents } = judge(ask('www.example.org', name));
        assert.equal(incidents.length, 1, name);
        assert.deepEqual(incidents[0]!.detectors, ['dns_tunnel']);
        assert.match(incidents[0]!.summary, /with the start of a file$/);
      }
    }
  });

  it('is told of a file once below each name, and not by the next run', () => {
    const names = Array.from(
      { length: 20 },
      (_, i) => `${lettersOf(FILE, 'base64')}.f${i}.test.org`,
    );
    const traffic = ask(...names);
    assert.equal(judge(traffic).alarms[0]!.evidenceCount, 1);
    const [before, after] = inTwo(traffic, 15);
    assert.deepEqual([before.incidents.length, after.incidents], [1, []]);
  });

  it('is not what labels drawn at random or in another case are', () => {
    const random = seeded(31);
    const alphabets = [`${LETTERS}${LETTERS.toUpperCase()}0123456789`, BASE32, '0123456789abcdef'];
    const isFile = (label: string): boolean => hasFileHead(Buffer.from(label), 0, label.length);
    for (let i = 0; i < 100_000; i++) assert.ok(!isFile(drawn(random, alphabets[i % 3]!, 12)));
    assert.ok(isFile(lettersOf(FILE, 'base64')));
    assert.ok(!isFile(lettersOf(FILE, 'base64').toLowerCase()));
    assert.ok(!isFile('H4sI') && !isFile(''));
  });
});
