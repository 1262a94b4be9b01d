import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ThymusError } from '../../../src/errors.js';
import { ActionJournal, type Json } from '../../../src/store/action_journal.js';

describe('ActionJournal', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-journal-'));
    path = join(folder, 'journal');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes three frames. @returns the bytes, and what the map was after each of their lengths */
  async function written(): Promise<{ bytes: Buffer; states: Map<number, unknown> }> {
    const states = new Map<number, unknown>();
    const journal = ActionJournal.open(path);
    const note = (): unknown =>
      states.set(statSync(path).size, Object.fromEntries(journal.entries));
    note();
    for (const [key, value] of [
      ['a', { state: 'applying', holders: ['nft'] }],
      ['b', 'é\n'],
      ['a', null],
    ] as [string, Json][]) {
      journal.put(key, value);
      await journal.commit();
      note();
    }
    journal.close();
    return { bytes: readFileSync(path), states };
  }

  it('is empty where there is none, and keeps what was committed', async () => {
    const journal = ActionJournal.open(path);
    assert.deepEqual([...journal.entries], []);
    journal.put('a', 1);
    journal.put('b', [2]);
    await journal.commit();
    journal.put('c', 3);
    journal.close();
    assert.deepEqual(Object.fromEntries(ActionJournal.read(path)), { a: 1, b: [2] });
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('writes what many wait for at once', async () => {
    const journal = ActionJournal.open(path);
    const commits = Array.from({ length: 500 }, (_, i) => {
      journal.put(`k${i % 50}`, i);
      return journal.commit();
    });
    await Promise.all(commits);
    journal.close();
    assert.equal(ActionJournal.read(path).get('k49'), 499);
    assert.ok(readFileSync(path, 'utf8').split('\n').length < 10);
  });

  it('gives what was whole, or refuses, at every truncation', async () => {
    const { bytes, states } = await written();
    const first = Math.min(...states.keys());
    for (let size = 0; size < bytes.length; size++) {
      writeFileSync(path, bytes.subarray(0, size));
      if (size < first) {
        assert.throws(() => ActionJournal.read(path), /damaged at byte 0 .*: run 'thymus panic'/);
        continue;
      }
      const whole = Math.max(...[...states.keys()].filter((at) => at <= size));
      assert.deepEqual(Object.fromEntries(ActionJournal.read(path)), states.get(whole));
    }
  });

  it('refuses every changed byte but in the last frame, which was not answered for', async () => {
    const { bytes, states } = await written();
    const [last, beforeLast] = [...states.keys()].sort((a, b) => b - a) as [number, number];
    assert.equal(last, bytes.length);
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 0x20, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= change;
        writeFileSync(path, changed);
        if (at >= beforeLast) {
          const entries = Object.fromEntries(ActionJournal.read(path));
          assert.deepEqual(entries, states.get(beforeLast), `byte ${at}`);
        } else {
          assert.throws(() => ActionJournal.read(path), isDamage, `byte ${at}`);
        }
      }
    }
  });

  it('refuses a frame that is missing', async () => {
    const { bytes } = await written();
    const lines = bytes.toString().split('\n');
    writeFileSync(path, [lines[0], ...lines.slice(2)].join('\n'));
    assert.throws(() => ActionJournal.open(path), /a part before it is missing/);
  });

  it('goes on behind a torn tail', async () => {
    const { bytes } = await written();
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('0123 torn')]));
    const journal = ActionJournal.open(path);
    assert.equal(journal.tornBytes, 9);
    journal.put('d', 4);
    await journal.commit();
    journal.close();
    assert.deepEqual(Object.fromEntries(ActionJournal.read(path)), { b: 'é\n', d: 4 });
  });

  it('is written anew when it has grown, and loses nothing', async () => {
    const journal = ActionJournal.open(path);
    const value = 'x'.repeat(100_000);
    for (let i = 0; i < 120; i++) {
      journal.put('big', `${i} ${value}`);
      journal.put(`n${i}`, i);
      await journal.commit();
    }
    journal.close();
    assert.ok(statSync(path).size < 6e6);
    const entries = ActionJournal.read(path);
    assert.equal(entries.size, 121);
    assert.equal(entries.get('n119'), 119);
  });
});

const isDamage = (error: unknown): boolean =>
  error instanceof ThymusError && error.code === 'JOURNAL_DAMAGED';
