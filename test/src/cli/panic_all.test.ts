import assert from 'node:assert/strict';
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thymus } from '../../../src/api/gen/response.js';
import { MessageStream } from '../../../src/api/message_stream.js';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { panicAll, type PanicResult } from '../../../src/cli/panic_all.js';
import { checkDecisions } from '../../../src/store/decision_check.js';
import { checkingKey } from '../../../src/store/log_key.js';
import { responseFiles, type ResponseFiles } from '../../../src/store/response_files.js';
import { FileActuator } from '../response/support/file_actuator.js';
import { proposalOf } from '../response/support/proposals.js';

const { FromResponder, ToResponder } = thymus.v1;
const DOUBLE = fileURLToPath(new URL('../response/support/respond_double.js', import.meta.url));

describe('panicAll', () => {
  let folder: string;
  let files: ResponseFiles;
  let child: ChildProcess;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-panic-'));
    files = responseFiles(folder);
    child = fork(DOUBLE, [folder]);
    await once(child, 'message');
    const client = await connect();
    await client.propose(proposalOf('1.1'), '{}');
    while (enforced().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    client.close();
  });

  afterEach(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const enforced = (): string[] => readdirSync(join(folder, 'enforced'));

  const connect = (): Promise<ResponderClient> =>
    ResponderClient.connect({ path: files.socket, role: 'cli' });

  const panic = (): Promise<PanicResult> =>
    panicAll({
      files,
      actuators: () => [new FileActuator(join(folder, 'enforced'))],
      by: 'ann',
    });

  it('goes through the responder where it answers', async () => {
    assert.deepEqual(await panic(), { through: 'responder', killed: null, left: [] });
    assert.deepEqual(enforced(), []);
    const client = await connect();
    assert.equal(client.desk.halt?.by, 'ann');
    await client.liftPanic('bob');
    await assert.rejects(client.liftPanic('bob'), /Nothing is called off/);
    client.close();
  });

  it('ends a responder that hangs, and withdraws what its journal holds and a stranger', async () => {
    child.kill('SIGSTOP');
    writeFileSync(join(folder, 'enforced', 'stranger'), '');
    const startMs = Date.now();
    assert.deepEqual(await panic(), { through: 'journal', killed: child.pid!, left: [] });
    assert.ok(Date.now() - startMs < 20_000);
    assert.deepEqual(enforced(), []);
    const { fault } = await checkDecisions(files, checkingKey(files.publicKey));
    assert.equal(fault, null);
  });

  it('works where no responder runs', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(await panic(), { through: 'journal', killed: null, left: [] });
    assert.deepEqual(enforced(), []);
  });

  it('withdraws everything when the journal is damaged, and says so', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    writeFileSync(files.journal, 'nonsense\n');
    const { left } = await panic();
    assert.match(left[0]!, /is damaged at byte 0 .* It was set aside as damaged-\d+\.$/);
    assert.equal(left[1], 'Everything in force was withdrawn.');
    assert.deepEqual(enforced(), []);
  });

  for (const [what, answer] of [
    ['is one of another version', () => ({ code: 'REFUSED', reason: 'The versions differ.' })],
    [
      'fails inside',
      (isFirst: boolean) => (isFirst ? null : { code: 'INTERNAL', reason: 'It failed inside.' }),
    ],
  ] as const) {
    it(`does it without a responder that ${what}`, async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(files.socket);
      const server = createServer((socket) => {
        const stream = new MessageStream();
        socket.on('data', (bytes) => {
          for (const message of stream.take(bytes)) {
            const { id, hello } = ToResponder.decode(message);
            const refused = answer(Boolean(hello));
            const said = refused === null ? { welcome: {} } : { refused };
            socket.write(FromResponder.encodeDelimited({ id, ...said }).finish());
          }
        });
      });
      await new Promise<void>((resolve) => server.listen(files.socket, resolve));
      assert.deepEqual(await panic(), { through: 'journal', killed: null, left: [] });
      assert.deepEqual(enforced(), []);
      server.close();
    });
  }

  describe('when the disk is full', () => {
    const FORGETFUL = /^A responder that is started anew does not know of it: .* the disk is full;/;

    beforeEach(async function () {
      await movedToDisk(this);
      spawnSync('dd', ['if=/dev/zero', `of=${join(files.directory, 'fill')}`, 'bs=4k']);
    });

    afterEach(async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      spawnSync('umount', [files.directory]);
    });

    /** What lies in a directory goes on lying in it, but on a small disk of its own. */
    async function movedToDisk(test: Mocha.Context): Promise<void> {
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { directory } = files;
      const before = `${directory}.before`;
      renameSync(directory, before);
      mkdirSync(directory);
      const options = ['-t', 'tmpfs', '-o', 'size=128k,mode=700', 'tmpfs', directory];
      if (spawnSync('mount', options).status !== 0) test.skip();
      cpSync(before, directory, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      child = fork(DOUBLE, [folder]);
      await once(child, 'message');
    }

    it('withdraws through the responder, and says what is not on disk', async () => {
      const { through, left } = await panic();
      assert.deepEqual([through, enforced()], ['responder', []]);
      assert.match(left.join('\n'), FORGETFUL);
      rmSync(join(files.directory, 'fill'));
      const client = await connect();
      while ((await client.list(false)).desk.differences.length > 0);
      client.close();
      child.kill('SIGKILL');
      await once(child, 'exit');
      child = fork(DOUBLE, [folder]);
      await once(child, 'message');
      const again = await connect();
      assert.equal(again.desk.halt?.by, 'ann', 'it got onto the disk when there was room');
      again.close();
    });

    it('withdraws by what the journal says', async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { through, left } = await panic();
      assert.deepEqual([through, enforced()], ['journal', []]);
      assert.match(left.join('\n'), FORGETFUL);
    });

    it('withdraws when the journal is damaged, too', async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      writeFileSync(files.journal, '');
      spawnSync('dd', ['if=/dev/zero', `of=${join(files.directory, 'fill2')}`, 'bs=1k']);
      await assert.rejects(panic(), /the disk is full/);
      assert.deepEqual(enforced(), []);
    });
  });

  it('sets all files of a damaged log aside, and begins another', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    const closed = join(files.directory, 'decisions-000000000000001.log');
    renameSync(files.log, closed);
    writeFileSync(closed, 'nonsense\n');
    const { left } = await panic();
    assert.match(
      left[0]!,
      /000001\.log is not one of its own\. It was set aside as damaged-\d+\.$/,
    );
    assert.equal(existsSync(closed), false);
    assert.deepEqual(enforced(), []);
    assert.equal((await checkDecisions(files, checkingKey(files.publicKey))).fault, null);
  });

  it('lets one responder run at a time', async () => {
    const second = fork(DOUBLE, [folder], { silent: true });
    let err = '';
    second.stderr!.on('data', (text: Buffer) => (err += text.toString()));
    await once(second, 'exit');
    assert.equal(err, `Process ${child.pid} responds here. Use that one, or end it.\n`);
  });

  it('withdraws what would not let go by itself when it is ended', async () => {
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
    assert.deepEqual(enforced(), []);
    await assert.rejects(connect, /No responder runs here: start 'thymus respond'/);
  });
});
