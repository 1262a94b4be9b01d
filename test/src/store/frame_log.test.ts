import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FrameLog } from '../../../src/store/frame_log.js';
import { framesAfter } from '../../../src/store/frame_reader.js';
import { cursorOf, positionOf, type Position } from '../../../src/store/frame_segments.js';

const NOW_MS = 1_800_000_000_000;

describe('FrameLog', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'thymus-frames-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const logOf = (mostBytes = 1 << 20, segmentBytes = 1 << 10): FrameLog =>
    new FrameLog({ directory, mostBytes, segmentBytes, nowMs: NOW_MS });

  /** A session of frames that hold `name` and their number. */
  function session(name: string, frames: number, log = logOf()): string {
    for (let i = 1; i <= frames; i++) log.append(Buffer.from(`${name}${i}`));
    log.close();
    return log.session;
  }

  async function after(position: Position | null): Promise<(string | null)[]> {
    const texts: (string | null)[] = [];
    for await (const frame of framesAfter(directory, position)) {
      texts.push(frame === null ? null : Buffer.from(frame.bytes).toString());
    }
    return texts;
  }

  it('gives what comes after any position, over segments and sessions', async () => {
    const a = session('a', 300);
    const b = session('b', 2);
    assert.ok(readdirSync(directory).length > 3);
    const all = [...Array.from({ length: 300 }, (_, i) => `a${i + 1}`), 'b1', 'b2'];
    assert.deepEqual(await after(null), all);
    for (const seq of [0, 1, 84, 85, 86, 299, 300]) {
      assert.deepEqual(await after({ session: a, seq }), all.slice(seq), `after ${seq}`);
    }
    assert.deepEqual(await after({ session: b, seq: 2 }), []);
  });

  it('says where something is missing', async () => {
    const a = session('a', 3);
    session('b', 1);
    assert.deepEqual(await after({ session: a, seq: 4 }), [null, 'b1'], 'a lost end');
    const nobody = { session: 'ffffffffffff', seq: 1 };
    assert.deepEqual(await after(nobody), [null, 'a1', 'a2', 'a3', 'b1']);
  });

  it('keeps no more bytes than it may, and says that older frames are gone', async () => {
    const log = logOf(4096, 1024);
    for (let i = 1; i <= 1000; i++) log.append(Buffer.from(`frame ${i}`));
    log.close();
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 4096 + 32);
    const [gap, first] = await after({ session: log.session, seq: 1 });
    assert.equal(gap, null);
    assert.match(first!, /^frame \d+$/);
    assert.notEqual(first, 'frame 2');
  });

  it('ends a session where its file is torn, at every byte', async () => {
    const name = session('a', 3);
    const path = join(directory, `${name}.0000000001`);
    const bytes = readFileSync(path);
    for (let size = 0; size < bytes.length; size++) {
      writeFileSync(path, bytes.subarray(0, size));
      const whole = Math.floor(size / (bytes.length / 3));
      assert.deepEqual(await after(null), ['a1', 'a2', 'a3'].slice(0, whole));
    }
  });

  it('gives no frame whose bytes were changed', async () => {
    const name = session('a', 2);
    const path = join(directory, `${name}.0000000001`);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x41;
      writeFileSync(path, changed);
      const expected = at < bytes.length / 2 ? [] : ['a1'];
      assert.deepEqual(await after(null), expected, `byte ${at}`);
    }
  });

  it('writes positions as cursors', () => {
    const position = { session: '019ab3c2d4e5', seq: 42 };
    assert.deepEqual(positionOf(cursorOf(position)), position);
    for (const text of ['', 'x', '019ab3c2d4e5', '019ab3c2d4e5.', '019ab3c2d4e5.1x', '.1']) {
      assert.equal(positionOf(text), null, text);
    }
  });
});
