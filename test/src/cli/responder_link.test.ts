import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResponderClient } from '../../../src/api/responder_client.js';
import { panicAll } from '../../../src/cli/panic_all.js';
import { ResponderLink } from '../../../src/cli/responder_link.js';
import type { Proposal } from '../../../src/domain/action.js';
import type { DecisionInputs } from '../../../src/domain/decision.js';
import { responseFiles, type ResponseFiles } from '../../../src/store/response_files.js';
import { FileActuator } from '../response/support/file_actuator.js';
import { proposalOf } from '../response/support/proposals.js';

const DOUBLE = fileURLToPath(new URL('../response/support/respond_double.js', import.meta.url));

describe('ResponderLink', () => {
  let folder: string;
  let files: ResponseFiles;
  let child: ChildProcess;
  let link: ResponderLink;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-link-'));
    files = responseFiles(folder);
    await startResponder();
    link = new ResponderLink({
      path: files.socket,
      mode: 'auto',
      homeNet: ['10.0.0.0/8'],
      // The tests say when there is one.
      start: () => Promise.resolve(),
      warn: () => undefined,
    });
  });

  afterEach(async () => {
    await link.close();
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  async function startResponder(): Promise<void> {
    child = fork(DOUBLE, [folder]);
    await once(child, 'message');
  }

  async function endResponder(): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  const propose = (id: string, more: Partial<Proposal> = {}): void =>
    link.propose(proposalOf(id, more), {} as DecisionInputs);

  const states = (): string =>
    link.state.measures.map(({ proposal, state }) => `${proposal} ${state}`).join(', ');

  async function until(wanted: string): Promise<void> {
    while (states() !== wanted) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('hears what becomes of a proposal', async () => {
    propose('1.1', { ttlSeconds: 0.3 });
    assert.equal(states(), '1.1 pending');
    await until('1.1 active');
    await until('1.1 expired');
  });

  it('knows after a lost connection what was called off meanwhile', async () => {
    propose('1.1');
    await until('1.1 active');
    await endResponder();
    const actuators = () => [new FileActuator(join(folder, 'enforced'))];
    assert.equal((await panicAll({ files, actuators, by: 'ann' })).through, 'journal');
    await startResponder();
    await until('1.1 rolled_back');
    assert.equal(link.state.modeMost, 'observe');
  });

  it('takes for over what the responder knows nothing of any more', async () => {
    propose('1.1');
    await until('1.1 active');
    await endResponder();
    rmSync(files.directory, { recursive: true });
    await startResponder();
    await until('1.1 expired');
  });

  it('delivers what waited for a responder, and goes on with what it says of it', async () => {
    await endResponder();
    propose('1.1', { unattended: false, incident: 'run/other' });
    propose('1.2');
    await startResponder();
    await until('1.1 pending, 1.2 active');
    const client = await ResponderClient.connect({ path: files.socket, role: 'cli' });
    await client.vote('1.1', 'ann', 'reject');
    client.close();
    await until('1.2 active, 1.1 rejected');
  });

  it('remembers as failed what is refused', async () => {
    propose('1.1', { ttlSeconds: 0 });
    await until('1.1 failed');
  });

  it('forgets what can no longer be delivered', async () => {
    await endResponder();
    for (let i = 0; i <= 1024; i++) propose(`1.${i}`);
    const { nLost, state } = link;
    assert.equal(nLost, 1);
    assert.deepEqual(
      state.measures.filter((one) => one.state !== 'pending').map((one) => one.proposal),
      ['1.0'],
    );
  });
});
