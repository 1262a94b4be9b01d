import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDecisions, type Checked } from '../../../src/store/decision_check.js';
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
});
