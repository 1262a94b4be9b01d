import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockOwner } from '../../src/store/process_lock.js';
import { responseFiles, type ResponseFiles } from '../../src/store/response_files.js';
import { outcomeOf, startThymus, thymus } from '../src/support/thymus.js';
import { Namespace } from './support/namespace.js';
import { orSkip } from './support/needs.js';
import { until } from './support/until.js';

describe('thymus watch --respond', function () {
  this.timeout(60_000);
  let namespace: Namespace;
  let folder: string | null = null;
  let files: ResponseFiles;

  before(function () {
    namespace = orSkip(this, Namespace.make());
    folder = mkdtempSync(join(tmpdir(), 'thymus-respond-'));
    files = responseFiles(folder);
  });

  after(() => {
    if (folder === null) return;
    const owner = lockOwner(files.lock);
    if (owner !== null) process.kill(owner.pid, 'SIGKILL');
    namespace.remove();
    rmSync(folder, { recursive: true });
  });

  /** The responder that answers, other than one that is known. */
  async function responder(but = 0): Promise<number> {
    let said = '';
    return until({
      look: async () => {
        const { code, err } = await thymus(['actions', '--state', folder!]);
        const pid = lockOwner(files.lock)?.pid ?? but;
        said = `${code} of process ${pid}: ${err}`;
        return code === 0 && pid !== but && pid;
      },
      seen: () => Promise.resolve(said),
      withinMs: 30_000,
    });
  }

  it('starts a responder, starts it again when it dies, and leaves it behind', async () => {
    const args = ['watch', 'far', '--no-store', '-q', '--state', folder!, '--respond', 'guarded'];
    const child = startThymus(args, { wrapper: namespace.wrapper });
    const outcome = outcomeOf(child);
    const first = await responder();
    assert.match((await thymus(['actions', '--state', folder!])).out, /^Mode guarded, acting/);
    process.kill(first, 'SIGKILL');
    const second = await responder(first);
    await namespace.heard('far');
    child.kill('SIGTERM');
    assert.equal((await outcome).code, 0);
    assert.equal(await responder(), second);
    const verified = await thymus(['audit', 'verify', '--state', folder!]);
    assert.equal(verified.code, 0, verified.err);
  });
});
