import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { panicAll, type PanicResult } from '../../../src/cli/panic_all.js';
import { checkDecisions } from '../../../src/store/decision_check.js';
import { checkingKey } from '../../../src/store/log_key.js';
import { responseFiles, type ResponseFiles } from '../../../src/store/response_files.js';
import { FileActuator } from '../response/support/file_actuator.js';
import { proposalOf } from '../response/support/proposals.js';

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
    assert.ok(Date.now() - startMs < 5000);
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
