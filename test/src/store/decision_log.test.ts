import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDecisions, type Checked } from '../../../src/store/decision_check.js';
import { closedLogs } from '../../../src/store/decision_files.js';
import type { DecisionEntry } from '../../../src/store/decision_line.js';
import { DecisionLog } from '../../../src/store/decision_log.js';
import { makePrivateDirectory } from '../../../src/store/durable.js';
import { checkingKey, signingKey } from '../../../src/store/log_key.js';
import { responseFiles, type ResponseFiles } from '../../../src/store/response_files.js';

const NOON_MS = 1.79e12;

describe('DecisionLog', () => {
  let folder: string;
  let files: ResponseFiles;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-log-'));
    files = responseFiles(folder);
    makePrivateDirectory(files.directory);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function write(...texts: string[]): Promise<void> {
    const log = DecisionLog.open(files, signingKey(files));
    for (const text of texts) log.add({ kind: 'verdict', text, data: { text } }, NOON_MS);
    await log.commit();
    log.close();
  }

  const check = (onEntry?: (entry: DecisionEntry) => void): Promise<Checked> =>
    checkDecisions(files, checkingKey(files.publicKey), onEntry);

  it('is whole after each start, and tells its entries in order', async () => {
    await write('one', 'two');
    await write('three — é');
    const texts: string[] = [];
    const { entries, fault } = await check(({ number, text }) => texts.push(`${number} ${text}`));
    assert.equal(fault, null);
    assert.equal(entries, 3);
    assert.deepEqual(texts, ['1 one', '2 two', '3 three — é']);
    assert.equal(statSync(files.key).mode & 0o777, 0o600);
  });

  it('is whole when nothing was written', async () => {
    await write();
    assert.equal((await check()).fault, null);
  });

  it('finds every changed byte', async () => {
    await write('one', 'two');
    const bytes = readFileSync(files.log);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= at % 2 === 0 ? 1 : 0x20;
      writeFileSync(files.log, changed);
      assert.notEqual((await check()).fault, null, `byte ${at}`);
    }
  });

  it('finds every truncation', async () => {
    await write('one', 'two');
    const bytes = readFileSync(files.log);
    for (let size = 0; size < bytes.length; size++) {
      writeFileSync(files.log, bytes.subarray(0, size));
      assert.match((await check()).fault ?? '', /^The log was cut: its head promises 2/);
    }
    rmSync(files.log);
    assert.match((await check()).fault ?? '', /0 are there/);
    await assert.rejects(() => write('three'), /was cut: its head promises 2 entries and 0/);
  });

  it('finds entries that are taken out, put in, or exchanged', async () => {
    await write('one', 'two', 'three');
    const lines = readFileSync(files.log, 'utf8').trimEnd().split('\n') as [string, string, string];
    const [one, two, three] = lines;
    for (const others of [
      [one, three],
      [one, two, two, three],
      [two, one, three],
      [two, three],
    ]) {
      writeFileSync(files.log, `${others.join('\n')}\n`);
      assert.match((await check()).fault ?? '', /was changed, or an entry before it/);
    }
  });

  it('finds a changed, a missing and a foreign head', async () => {
    await write('one', 'two');
    const head = readFileSync(files.head, 'utf8');
    writeFileSync(files.head, head.replace('000002', '000001'));
    assert.match((await check()).fault ?? '', /head is not signed/);
    rmSync(files.head);
    assert.match((await check()).fault ?? '', /head is missing/);
    writeFileSync(files.head, 'x');
    await assert.rejects(check, /cannot be read/);
  });

  it('finds a log that somebody else has signed', async () => {
    await write('one');
    const key = readFileSync(files.publicKey);
    rmSync(folder, { recursive: true });
    makePrivateDirectory(files.directory);
    await write('another one');
    writeFileSync(files.publicKey, key);
    assert.match((await check()).fault ?? '', /not signed by the key/);
  });

  it('cuts off what a crash has torn, and goes on', async () => {
    await write('one');
    appendFileSync(files.log, '0123 torn');
    assert.equal((await check()).fault, null);
    await write('two');
    const { entries, fault } = await check();
    assert.deepEqual([entries, fault], [2, null]);
  });

  it('refuses to go on behind a last entry that is not its own', async () => {
    await write('one', 'two');
    const text = readFileSync(files.log, 'utf8');
    for (const [from, to] of [
      ['{"number":2', '["number":2'],
      ['{"number":2', '{"number":x'],
      ['{"number":2', '{"numbex":2'],
    ] as const) {
      writeFileSync(files.log, text.replace(from, to));
      await assert.rejects(() => write('three'), { code: 'LOG_DAMAGED' });
    }
  });

  describe('in several files', () => {
    /** Of which two entries fill a file. */
    const MOST_BYTES = 600;

    async function writeEach(count: number): Promise<void> {
      const log = DecisionLog.open(files, signingKey(files), MOST_BYTES);
      for (let i = 0; i < count; i++) {
        log.add({ kind: 'verdict', text: `entry ${log.number + 1}` }, NOON_MS);
        await log.commit();
      }
      log.close();
    }

    async function assertWhole(count: number): Promise<void> {
      const texts: string[] = [];
      const { entries, fault } = await check(({ text }) => texts.push(text));
      assert.equal(fault, null);
      assert.equal(entries, count);
      assert.deepEqual(
        texts,
        Array.from({ length: count }, (_, i) => `entry ${i + 1}`),
      );
    }

    it('is one chain, also over restarts', async () => {
      for (const count of [7, 0, 1, 2, 5]) await writeEach(count);
      await assertWhole(15);
      const closed = closedLogs(files);
      assert.ok(closed.length >= 4, `${closed.length} files`);
      assert.match(closed[0]!, /decisions-0000000000000\d\d\.log$/);
      for (const path of closed) assert.ok(statSync(path).size < 2 * MOST_BYTES);
      for (const path of closed) assert.equal(statSync(path).mode & 0o777, 0o600);
    });

    it('finds a file that was taken away, cut, prolonged, changed or exchanged', async () => {
      await writeEach(9);
      const closed = closedLogs(files);
      const all = [...closed, files.log];
      const texts = all.map((path) => readFileSync(path));
      const restore = (): void => all.forEach((path, i) => writeFileSync(path, texts[i]!));
      for (const [i, path] of all.entries()) {
        const text = texts[i]!;
        rmSync(path);
        assert.notEqual((await check()).fault, null, `without ${path}`);
        writeFileSync(path, text.subarray(0, text.length - 1));
        assert.notEqual((await check()).fault, null, `${path} cut`);
        if (path !== files.log) {
          writeFileSync(path, `${text.toString()}more`);
          assert.notEqual((await check()).fault, null, `${path} prolonged`);
        }
        for (let at = 0; at < text.length; at += 13) {
          const changed = Buffer.from(text);
          changed[at]! ^= 1;
          writeFileSync(path, changed);
          assert.notEqual((await check()).fault, null, `byte ${at} of ${path}`);
        }
        restore();
      }
      writeFileSync(closed[0]!, texts[1]!);
      writeFileSync(closed[1]!, texts[0]!);
      assert.match((await check()).fault ?? '', /^Entry 1 was changed/);
      restore();
      await assertWhole(9);
    });

    it('goes on where a crash came between two names', async () => {
      await writeEach(3);
      const last = join(files.directory, 'decisions-000000000000003.log');
      renameSync(files.log, last);
      await assertWhole(3);
      await writeEach(1);
      await assertWhole(4);
      writeFileSync(`${files.log}.new`, '');
      await writeEach(4);
      await assertWhole(8);
    });

    it('refuses to go on behind a closed file that is not its own', async () => {
      await writeEach(3);
      const last = join(files.directory, 'decisions-000000000000003.log');
      renameSync(files.log, last);
      writeFileSync(last, readFileSync(last).subarray(0, -5));
      await assert.rejects(() => writeEach(1), { code: 'LOG_DAMAGED' });
    });

    it('stays in its file while there can be no other', async () => {
      mkdirSync(`${files.log}.new`);
      await writeEach(6);
      assert.deepEqual(closedLogs(files), []);
      await assertWhole(6);
      rmdirSync(`${files.log}.new`);
      await writeEach(3);
      assert.notDeepEqual(closedLogs(files), []);
      await assertWhole(9);
    });

    it('can be checked while it is written', async () => {
      const writing = writeEach(60).then(() => true);
      while ((await Promise.race([writing, check()])) !== true) {
        assert.equal((await check()).fault, null);
      }
      await assertWhole(60);
    });
  });
});
