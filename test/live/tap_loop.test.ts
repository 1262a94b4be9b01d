import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { lockOwner } from '../../src/store/process_lock.js';
import { responseFiles } from '../../src/store/response_files.js';
import { outcomeOf, startThymus, thymus, type Outcome } from '../src/support/thymus.js';
import {
  CLIENT,
  OTHER_CLIENT,
  OTHER_PORT,
  SERVER,
  TapNet,
  type Said,
  type Talker,
} from './support/tap_net.js';
import { until } from './support/until.js';

const CONFIG = `
respond: recommend
respond-history: 0
actuators:
  - kind: tcp_reset
    interface: eth0
`;
/** Closed ones, of which a scan gets a refusal. */
const SCANNED = Array.from({ length: 60 }, (_, i) => 2000 + i);
const NORMAL_CALLS = 20;
const SEEN_WITHIN_MS = 40_000;

interface ShownAction {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
}

describe('a watch at a tap that answers', function () {
  this.timeout(90_000);
  let net: TapNet;
  let client: Talker;
  let folder: string | null = null;
  let child: ChildProcess;
  let outcome: Promise<Outcome>;
  let calls = 0;

  before(async function () {
    const made = TapNet.make();
    if (typeof made === 'string') {
      console.log(`    skipped: ${made}`);
      this.skip();
    }
    net = made;
    await net.start('server', 'tap_server.js');
    client = await net.start('client', 'tap_client.js');
    folder = mkdtempSync(join(tmpdir(), 'thymus-tap-loop-'));
    const config = join(folder, 'thymus.yaml');
    writeFileSync(config, CONFIG);
    const args = ['watch', 'eth0', '--no-store', '-q', '--state', folder, '--config', config];
    child = startThymus([...args, '--respond'], { wrapper: net.wrapper('tap') });
    outcome = outcomeOf(child);
    await until({
      look: async () => (await isOpen()) && (await asked('actions')).code === 0,
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });
  });
  after(async () => {
    if (folder !== null) {
      child.kill('SIGTERM');
      await outcome;
      await asked('panic');
      const owner = lockOwner(responseFiles(folder).lock);
      if (owner !== null) process.kill(owner.pid, 'SIGKILL');
      rmSync(folder, { recursive: true });
    }
    (net as TapNet | undefined)?.remove();
  });

  const asked = (command: string, ...args: readonly string[]): Promise<Outcome> =>
    thymus([command, ...args, '--state', folder!], { wrapper: net.wrapper('tap') });

  async function isOpen(): Promise<boolean> {
    const { code, out } = await asked('stats', '--json');
    return code === 0 && (JSON.parse(out) as { isOpen: boolean }).isOpen;
  }

  async function saidByAll(): Promise<string> {
    const said = [await asked('actions', '--all', '--json'), await asked('stats', '--json')];
    return said.map(({ code, out, err }) => `${code} ${out}${err}`).join('\n');
  }

  /** The first action in a state, when there is one. */
  const actionIn = (state: string, id?: string): Promise<ShownAction> =>
    until({
      look: async () => {
        const { out } = await asked('actions', '--json', '--all');
        const lines = out.split('\n').filter((line) => line.includes('"state"'));
        const shown = lines.map((line) => JSON.parse(line) as ShownAction);
        const found = shown.find((one) => one.state === state && (id ?? one.id) === one.id);
        const failed = shown.find((one) => one.state === 'failed');
        if (found === undefined) assert.equal(failed, undefined);
        return found;
      },
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });

  function call(from: string, port: number): string {
    const id = `call${calls++}`;
    client.tell({ id, from, to: SERVER, port });
    return id;
  }

  const event = (id: string, ...names: readonly string[]): Promise<Said> =>
    client.heard((said) => said.id === id && names.includes(said.event));

  it('ends what a scanner does when people agree, harms nobody else, and lets go', async () => {
    const running = call(CLIENT, OTHER_PORT);
    const others = call(OTHER_CLIENT, OTHER_PORT);
    for (let i = 0; i < NORMAL_CALLS; i++) await event(call(OTHER_CLIENT, OTHER_PORT), 'open');
    for (const port of SCANNED) await event(call(CLIENT, port), 'ended');
    const { id } = await actionIn('pending');
    // Nothing is known of what it takes, so that two have to agree.
    for (const name of ['anna', 'ben']) {
      assert.equal((await asked('approve', id, '--as', name)).code, 0);
    }
    await actionIn('active', id);
    await event(call(CLIENT, 2100), 'ended');
    await event(running, 'ended');
    const fresh = call(OTHER_CLIENT, OTHER_PORT);
    assert.equal((await event(fresh, 'open', 'ended')).event, 'open');
    client.tell({ ask: 'bytes', id: others });
    assert.ok((await event(others, 'bytes', 'ended')).bytes! > 0);
    assert.equal((await asked('rollback', id, '--as', 'anna')).code, 0);
    await actionIn('rolled_back', id);
    assert.equal((await event(call(CLIENT, OTHER_PORT), 'open', 'ended')).event, 'open');
  });
});
