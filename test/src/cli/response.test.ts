import assert from 'node:assert/strict';
import { spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { responseFiles } from '../../../src/store/response_files.js';
import { proposalOf } from '../response/support/proposals.js';
import { present, startThymus, thymus, type Outcome } from '../support/thymus.js';

/** Stands in for a gateway: a file for each thing that is in force. */
const HOOK = `#!/usr/bin/env node
const { readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const [folder, verb] = process.argv.slice(2);
const { orders = [] } = JSON.parse(readFileSync(0, 'utf8') || '{}');
if (verb === 'apply') for (const { id } of orders) writeFileSync(folder + '/' + id, '');
if (verb === 'undo') for (const { id } of orders) rmSync(folder + '/' + id, { force: true });
if (verb === 'list') console.log(readdirSync(folder).join('\\n'));
if (verb === 'panic') for (const id of readdirSync(folder)) rmSync(folder + '/' + id);
`;

describe('thymus respond, actions, approve, reject, rollback, panic, audit', function () {
  this.timeout(60_000);
  let folder: string;
  let config: string;
  let child: ChildProcess;
  let client: ResponderClient;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-response-'));
    const hook = join(folder, 'hook.cjs');
    writeFileSync(hook, HOOK);
    chmodSync(hook, 0o755);
    const enforced = mkdtempSync(join(folder, 'enforced-'));
    config = join(folder, 'thymus.yaml');
    const section = `actuators:\n  - kind: command\n    program: [${hook}, ${enforced}]\n`;
    writeFileSync(config, `budget: 2\n${section}`);
    child = startThymus(['respond', '--config', config, '--state', folder, '--mode', 'auto']);
    const { socket } = responseFiles(folder);
    await present(socket);
    client = await ResponderClient.connect({ path: socket, role: 'engine' });
  });

  after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const run = (...args: string[]): Promise<Outcome> => thymus([...args, '--state', folder]);

  const enforced = (): string[] =>
    readdirSync(
      join(
        folder,
        readdirSync(folder).find((name) => name.startsWith('enforced-'))!,
      ),
    );

  async function until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it('shows what is in force, and takes it back', async () => {
    const { actionId } = await client.propose(proposalOf('1.1'), 'null');
    await until(() => enforced().includes(actionId));
    let out = '';
    while (!out.includes(`${actionId}  active  `)) ({ out } = await run('actions'));
    assert.match(out, /^Mode auto, acting through command\.$/m);
    assert.ok(out.includes(`${actionId}  active  block 203.0.113.7 for all hosts, for 9 min`));
    const { code, out: said } = await run('rollback', actionId.slice(0, 6), '--as', 'ann');
    assert.deepEqual([code, said], [0, `${actionId} is undoing\n`]);
    await until(() => enforced().length === 0);
    assert.match((await run('actions')).out, /Nothing is in force and nothing waits\./);
    const line = (await run('actions', '--all', '--json')).out;
    const { state, reason } = JSON.parse(line) as { state: string; reason: string };
    assert.deepEqual([state, reason], ['rolled_back', 'ann rolled it back.']);
  });

  it('asks people, and knows no wrong numbers', async () => {
    const asked = { unattended: false, approvalsNeeded: 2 };
    const { actionId } = await client.propose(proposalOf('1.2', asked), 'null');
    const { out } = await run('actions');
    assert.match(out, /0 of 2 approvals: thymus approve/);
    assert.match((await run('approve', actionId, '--as', 'ann')).out, /is pending/);
    const twice = await run('approve', actionId, '--as', 'ann');
    assert.deepEqual(
      [twice.code, twice.err],
      [1, 'thymus: ann has approved it before: somebody else has to.\n'],
    );
    assert.equal(
      (await run('reject', actionId, '--as', 'bob')).out.split(':')[0],
      `${actionId} is rejected`,
    );
    const wrong = await run('approve', 'nothing');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /^thymus: No action has the number 'nothing': see 'thymus actions/);
  });

  it('tells the story of an action to each reader', async () => {
    const [first] = (await run('actions', '--all', '--json')).out.trimEnd().split('\n').reverse();
    const { id } = JSON.parse(first!) as { id: string };
    const operator = await run('audit', 'show', id);
    assert.match(operator.out, /^Action [0-9a-f]{12}: block 203\.0\.113\.7 for all hosts$/m);
    assert.match(operator.out, /rolled back: ann rolled it back\.$/m);
    const regulator = await run('audit', 'show', id, '--for', 'regulator');
    assert.match(regulator.out, /^Proportionality, weighed before: /m);
    const customer = await run('audit', 'show', id, '--for', 'customer');
    assert.match(customer.out, /It ended on .* UTC, and everything is as it was before\./);
    assert.doesNotMatch(customer.out, /ann|brute_force|203\.0/);
    assert.equal((await run('audit', 'show', id, '--for', 'king')).code, 2);
    assert.equal((await run('audit', 'show', 'nothing')).code, 2);
  });

  it('panics, and goes on when it is over', async () => {
    const { actionId } = await client.propose(proposalOf('1.3'), 'null');
    await until(() => enforced().includes(actionId));
    const { code, out } = await run('panic', '--as', 'ann');
    assert.equal(code, 0);
    assert.match(out, /^Everything was called off/);
    assert.deepEqual(enforced(), []);
    assert.match((await run('actions')).out, /ann called everything off at /);
    assert.equal((await run('panic', '--over')).out, 'Actions may be applied again.\n');
  });

  it('panics without its configuration when the responder hangs', async () => {
    const { actionId } = await client.propose(proposalOf('1.4'), 'null');
    await until(() => enforced().includes(actionId));
    child.kill('SIGSTOP');
    const { code, out, err } = await run('panic', '--as', 'ann');
    assert.equal(code, 0);
    assert.equal(err, `thymus: process ${child.pid} did not answer and was ended.\n`);
    assert.match(out, /^Everything was called off/);
    assert.deepEqual(enforced(), []);
    const actions = await run('actions');
    assert.equal(actions.code, 1);
    assert.match(actions.err, /^thymus: No responder runs here: start 'thymus respond'/);
  });

  it('finds a log that somebody has changed', async () => {
    const whole = await run('audit', 'verify');
    assert.equal(whole.code, 0);
    assert.match(whole.out, /^\d+ entries, none of them changed, none missing\./);
    const { log } = responseFiles(folder);
    writeFileSync(
      log,
      readFileSync(log, 'utf8').replace('ann rolled it back', 'bob rolled it back'),
    );
    const { code, err } = await run('audit', 'verify');
    assert.equal(code, 1);
    assert.match(err, /tampered with or damaged: Entry \d+ was changed/);
  });

  it('says where nothing ever responded', async () => {
    const other = ['--state', join(folder, 'none')];
    assert.match(
      (await thymus(['panic', ...other])).err,
      /^thymus: Nothing has ever responded here/,
    );
    assert.match((await thymus(['audit', 'verify', ...other])).err, /is missing: name the right/);
  });

  it('refuses actuators that are none', async () => {
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'actuators:\n  - kind: prayer\n');
    const { code, err } = await thymus(['respond', '--config', wrong, '--state', folder]);
    assert.equal(code, 2);
    assert.match(err, /^thymus: The configuration file .*wrong\.yaml is refused: 'actuators\.0/);
  });

  it('starts on a full disk, and withdraws in time what is in force', async function () {
    const state = join(folder, 'full');
    const { directory, socket } = responseFiles(state);
    mkdirSync(directory, { recursive: true });
    const tmpfs = ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', directory];
    if (spawnSync('mount', tmpfs).status !== 0) this.skip();
    const respond = async (...more: string[]): Promise<ChildProcess> => {
      rmSync(socket, { force: true });
      const started = startThymus(['respond', '--config', config, '--state', state, ...more]);
      await present(socket);
      return started;
    };
    try {
      const first = await respond('--mode', 'auto');
      const engine = await ResponderClient.connect({ path: socket, role: 'engine' });
      await engine.propose(proposalOf('1.1', { ttlSeconds: 2 }), 'null');
      await until(() => enforced().length > 0);
      first.kill('SIGKILL');
      await once(first, 'exit');
      spawnSync('dd', ['if=/dev/zero', `of=${join(directory, 'fill')}`, 'bs=4k']);
      const second = await respond();
      await until(() => enforced().length === 0);
      second.kill('SIGKILL');
      assert.match(await text(second.stderr!), /actuators\.json: the disk is full/);
    } finally {
      spawnSync('umount', [directory]);
    }
  });

  it('ends when it is told to', async () => {
    const quick = startThymus(['respond', '--state', join(folder, 'idle')]);
    const gone = once(quick, 'exit');
    await present(responseFiles(join(folder, 'idle')).socket);
    quick.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
  });
});
