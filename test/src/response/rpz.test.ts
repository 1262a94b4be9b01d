import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Rpz, type RpzSettings } from '../../../src/response/actuators/rpz.js';
import {
  nextSerial,
  parseZone,
  zoneName,
  zoneText,
} from '../../../src/response/actuators/rpz_zone.js';
import { allDone, eachFolder, failure, order } from './support.js';

const sinkhole = (id: string, domain: string) => order(id, { kind: 'sinkhole', domain });

describe('zoneName', () => {
  it('takes names and nothing else', () => {
    assert.equal(zoneName('Bad.Example.'), 'bad.example');
    assert.equal(zoneName('_x.xn--bad-1ka.example'), '_x.xn--bad-1ka.example');
    for (const name of [
      '',
      'com',
      '.',
      'a b.example',
      'a.example\n@ NS x',
      '*.example',
      'a..b',
      `${'a'.repeat(64)}.b`,
    ]) {
      assert.equal(zoneName(name), null, name);
    }
  });
});

describe('nextSerial', () => {
  it('grows, also when the clock goes back or the number wraps', () => {
    assert.equal(nextSerial(5, 1_700_000_000.9), 1_700_000_000);
    assert.equal(nextSerial(1_700_000_000, 1_600_000_000), 1_700_000_001);
    assert.equal(nextSerial(2 ** 32 - 1, 1), 0);
  });
});

describe('parseZone', () => {
  it('reads what was written', () => {
    const names = new Map([
      ['bad.example', ['a-1', 'a-2']],
      ['worse.example', ['a-3']],
    ]);
    for (const answer of [null, { type: 'A', address: '192.0.2.1' } as const]) {
      const text = zoneText({ serial: 7, names }, { answer, ttlSeconds: 60 });
      assert.deepEqual(parseZone(text), { serial: 7, names });
      for (let end = 0; end < text.length; end++) parseZone(text.slice(0, end));
    }
  });
});

describe('Rpz', () => {
  const folder = eachFolder();
  const path = (): string => join(folder(), 'rpz.zone');
  const start = (settings: Partial<RpzSettings> = {}): Rpz =>
    new Rpz({
      path: path(),
      reload: null,
      timeoutMs: 5000,
      answer: null,
      ttlSeconds: 60,
      nowMs: () => 1000,
      ...settings,
    });

  it('puts names in and takes them out', async () => {
    const rpz = start();
    assert.deepEqual(await rpz.list(), []);
    allDone(await rpz.apply([sinkhole('a-1', 'Bad.example'), sinkhole('a-2', 'worse.example')]));
    const text = readFileSync(path(), 'utf8');
    assert.match(text, /^bad\.example CNAME \. ; thymus a-1\n\*\.bad\.example CNAME \.$/m);
    assert.match(text, / SOA .* 1 3600/);
    assert.deepEqual(await rpz.list(), ['a-1', 'a-2']);
    assert.equal(await rpz.verify(sinkhole('a-1', 'bad.example')), true);
    allDone(await rpz.undo([sinkhole('a-1', 'bad.example')]));
    assert.equal(await rpz.verify(sinkhole('a-1', 'bad.example')), false);
    assert.match(readFileSync(path(), 'utf8'), / SOA .* 2 3600/);
    allDone([await rpz.panic()]);
    assert.deepEqual(await rpz.list(), []);
    assert.ok(!existsSync(`${path()}.new`));
  });

  it('keeps a name that a second action needs, over a restart', async () => {
    allDone(await start().apply([sinkhole('a-1', 'bad.example')]));
    const rpz = start();
    allDone(await rpz.apply([sinkhole('a-2', 'bad.example'), sinkhole('a-2', 'bad.example')]));
    allDone(await rpz.undo([sinkhole('a-1', 'bad.example')]));
    assert.deepEqual(await rpz.list(), ['a-2']);
  });

  it('refuses what is no name and applies the rest', async () => {
    const outcomes = await start().apply([sinkhole('a-1', 'com'), sinkhole('a-2', 'bad.example')]);
    assert.ok(!failure(outcomes[0]).retry);
    allDone([outcomes[1]!]);
  });

  it('goes back when the name server does not read it', async () => {
    allDone(await start().apply([sinkhole('a-1', 'bad.example')]));
    const before = readFileSync(path(), 'utf8');
    const deaf = start({ reload: ['sh', '-c', 'echo rndc: connection refused >&2; exit 1'] });
    const { reason, retry } = failure((await deaf.apply([sinkhole('a-2', 'x.example')]))[0]);
    assert.match(reason, /connection refused/);
    assert.ok(retry);
    assert.equal(readFileSync(path(), 'utf8'), before);
    const missing = start({ reload: ['/nowhere/rndc'] });
    assert.ok(!failure((await missing.apply([sinkhole('a-2', 'x.example')]))[0]).retry);
  });

  it('says that the folder is missing', async () => {
    const rpz = start({ path: join(folder(), 'none', 'rpz.zone') });
    const { reason } = failure((await rpz.apply([sinkhole('a-1', 'bad.example')]))[0]);
    assert.match(reason, /there is no such folder/);
  });

  it('says that the disk is full and leaves the old zone', async function () {
    const disk = join(folder(), 'disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk]).status !== 0)
      this.skip();
    try {
      const rpz = start({ path: join(disk, 'rpz.zone') });
      allDone(await rpz.apply([sinkhole('a-1', 'bad.example')]));
      const before = readFileSync(join(disk, 'rpz.zone'), 'utf8');
      writeFileSync(join(disk, 'fill'), '');
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'fill')}`, 'bs=4k', 'count=100']);
      const { reason, retry } = failure((await rpz.apply([sinkhole('a-2', 'x.example')]))[0]);
      assert.match(reason, /the disk is full: make room/);
      assert.ok(retry);
      assert.equal(readFileSync(join(disk, 'rpz.zone'), 'utf8'), before);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
