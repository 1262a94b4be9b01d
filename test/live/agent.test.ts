import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { ActionNews } from '../../src/api/action_message.js';
import { ResponderClient } from '../../src/api/responder_client.js';
import type { Measure, Proposal } from '../../src/domain/action.js';
import { responseFiles } from '../../src/store/response_files.js';
import { NO_IMPACT, proposalOf } from '../src/response/support/proposals.js';
import { Authority, type Identity } from '../src/support/certificates.js';
import { startThymus, thymus, type Outcome } from '../src/support/thymus.js';
import {
  CLIENT,
  GatewayNet,
  OTHER_CLIENT,
  OTHER_PORT,
  PORT,
  SERVER,
} from './support/gateway_net.js';
import { until } from './support/until.js';

/** Of the gateway on the client's side, where the responder is. */
const GATEWAY = '10.77.1.1';
const AGENT_PORT = 9466;
const SEEN_WITHIN_MS = 30_000;

/** The client's machine has the responder, the gateway the agent; both show certificates. */
describe('thymus agent on a gateway', function () {
  this.timeout(60_000);
  let net: GatewayNet;
  let folder: string;
  let authority: Authority;
  let state: string;
  let config: string;
  let nRuns = 0;
  let agent: ChildProcess | null = null;
  let responder: ChildProcess | null = null;
  let engine: ResponderClient | null = null;

  before(async function () {
    const missing = ['nft', 'openssl'].find(
      (program) => spawnSync(program, ['version']).error !== undefined,
    );
    const made = missing === undefined ? await GatewayNet.make() : `'${missing}' is missing`;
    if (typeof made === 'string') {
      console.log(`    skipped: ${made}`);
      this.skip();
    }
    net = made;
    folder = mkdtempSync(join(tmpdir(), 'thymus-agent-'));
    authority = new Authority(folder, 'authority');
    authority.sign('gateway');
    authority.sign('responder');
  });
  after(() => {
    if ((net as GatewayNet | undefined) === undefined) return;
    net.remove();
    rmSync(folder, { recursive: true });
  });

  const pem = (name: string): Identity => ({
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  });

  async function startAgent(...more: readonly string[]): Promise<void> {
    const { cert, key } = pem('gateway');
    const place = `${GATEWAY}:${AGENT_PORT}`;
    const args = ['agent', '--listen', place, '--allow', 'responder', '--cert', cert, '--key', key];
    agent = startThymus([...args, '--ca', authority.ca, ...more], { wrapper: net.wrapper });
    const [line] = (await once(createInterface(agent.stderr!), 'line')) as [string];
    assert.match(line, /the agent is ready on port 9466 for responder/);
    agent.stderr!.resume();
  }

  async function killAgent(): Promise<void> {
    agent!.kill('SIGKILL');
    await once(agent!, 'exit');
    agent = null;
  }

  async function startResponder(name = 'responder'): Promise<void> {
    const { cert, key } = pem(name);
    writeFileSync(
      config,
      `actuators:
  - { kind: agent, name: north, host: ${GATEWAY}, port: ${AGENT_PORT}, server_name: gateway,
      ca: ${authority.ca}, cert: ${cert}, key: ${key}, timeout_ms: 1000 }
`,
    );
    const args = ['respond', '--stay', '--mode', 'auto', '--state', state, '--config', config];
    responder = startThymus(args, { wrapper: net.clientWrapper });
    await once(createInterface(responder.stderr!), 'line');
    responder.stderr!.resume();
    engine = await ResponderClient.connect({ path: responseFiles(state).socket, role: 'engine' });
  }

  async function killResponder(): Promise<void> {
    engine?.close();
    engine = null;
    responder!.kill('SIGKILL');
    await once(responder!, 'exit');
    responder = null;
  }

  beforeEach(() => {
    state = join(folder, `state-${nRuns++}`);
    config = join(folder, 'thymus.yaml');
  });
  afterEach(async () => {
    engine?.close();
    engine = null;
    for (const child of [responder, agent]) {
      if (child === null || child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    responder = null;
    agent = null;
    spawnSync(net.wrapper[0], [...net.wrapper.slice(1), 'nft', 'flush', 'ruleset']);
  });

  const asked = (command: string, ...args: readonly string[]): Promise<Outcome> =>
    thymus([command, ...args, '--state', state], { wrapper: net.clientWrapper });

  function propose(id: string, measure: Measure, more: Partial<Proposal> = {}): Promise<unknown> {
    const chosen = { measure, impact: NO_IMPACT, expectedLoss: 0.1 };
    return engine!.propose(proposalOf(id, { chosen, ...more }), 'null');
  }

  const actionWhere = (holds: (action: ActionNews) => boolean): Promise<ActionNews> =>
    until({
      look: async () => (await engine!.list(true)).actions.find(holds),
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });

  async function saidByAll(): Promise<string> {
    return engine === null ? 'no responder runs' : JSON.stringify(await engine.list(true));
  }

  const isActive = ({ state: now }: ActionNews): boolean => now === 'active';
  const isHeld = async (): Promise<boolean> => !(await net.reaches(OTHER_CLIENT, SERVER));
  const isLetGo = async (): Promise<boolean> => !(await isHeld());
  const comes = (look: () => Promise<boolean>): Promise<boolean> =>
    until({ look, seen: saidByAll, withinMs: SEEN_WITHIN_MS });
  const ISOLATE: Measure = { kind: 'isolate', host: OTHER_CLIENT };

  it('enforces what the responder orders, harms nobody else, and lets it go', async () => {
    await startAgent();
    await startResponder();
    assert.equal(await isHeld(), false);
    const edge = { from: OTHER_CLIENT, to: SERVER, protocol: 'tcp', port: PORT } as const;
    await propose('1.1', { kind: 'block_edge', edge });
    const { id, holders } = await actionWhere(isActive);
    assert.deepEqual(
      holders.map(({ actuator, state: now }) => [actuator, now]),
      [['agent-north', 'applied']],
    );
    assert.ok(await isHeld());
    assert.ok(await net.reaches(OTHER_CLIENT, SERVER, OTHER_PORT), 'another service');
    assert.ok(await net.reaches(CLIENT, SERVER), 'another host');
    assert.equal((await asked('rollback', id)).code, 0);
    await actionWhere(({ state: now }) => now === 'rolled_back');
    assert.equal(await isHeld(), false);
  });

  it('goes on enforcing while the agent is dead, and takes it up when it is back', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', ISOLATE);
    const { id } = await actionWhere(isActive);
    await killAgent();
    assert.ok(await isHeld());
    assert.equal((await asked('rollback', id)).code, 0);
    const isMissed = ({ holders }: ActionNews): boolean => (holders[0]?.failures ?? 0) > 0;
    const { holders, state: now } = await actionWhere(isMissed);
    assert.equal(now, 'undoing');
    assert.match(holders[0]!.reason, /agent at 10\.77\.1\.1:9466 cannot be reached/);
    assert.ok(await isHeld());
    await startAgent();
    await actionWhere((one) => one.state === 'rolled_back');
    assert.equal(await isHeld(), false);
  });

  it('lets go in time when the responder is dead, and when both are', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', ISOLATE, { ttlSeconds: 8 });
    await actionWhere(isActive);
    const begun = performance.now();
    await killResponder();
    assert.ok(await isHeld());
    await comes(isLetGo);
    const tookMs = performance.now() - begun;
    assert.ok(tookMs < 14_000, `${tookMs} ms`);
    await startResponder();
    await propose('1.2', ISOLATE, { ttlSeconds: 8 });
    await actionWhere(isActive);
    await killResponder();
    await killAgent();
    assert.ok(await isHeld());
    await comes(isLetGo);
  });

  it('tries until the agent is there', async () => {
    await startResponder();
    await propose('1.1', ISOLATE);
    const { holders } = await actionWhere((one) => (one.holders[0]?.failures ?? 0) > 0);
    assert.match(holders[0]!.reason, /cannot be reached/);
    await startAgent();
    await actionWhere(isActive);
    assert.ok(await isHeld());
  });

  it('puts back at once what a gateway that was restarted has lost', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', ISOLATE);
    await actionWhere(isActive);
    await killAgent();
    execFileSync(net.wrapper[0], [...net.wrapper.slice(1), 'nft', 'flush', 'ruleset']);
    assert.equal(await isHeld(), false);
    await startAgent();
    await comes(isHeld);
    const { desk } = await engine!.list(true);
    assert.match(desk.differences.join(), /agent-north did not enforce 1 that it should/);
  });

  it('takes back what no responder knows any more', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', ISOLATE);
    await actionWhere(isActive);
    await killResponder();
    assert.ok(await isHeld());
    state = join(folder, `state-${nRuns++}`);
    await startResponder();
    await comes(isLetGo);
    const { desk } = await engine!.list(true);
    assert.match(desk.differences.join(), /agent-north enforced 1 that should be gone/);
  });

  it('withdraws all of it on panic, also when the responder hangs', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', ISOLATE);
    await actionWhere(isActive);
    assert.ok(await isHeld());
    responder!.kill('SIGSTOP');
    const { code, err } = await asked('panic', '--as', 'ada');
    assert.equal(code, 0, err);
    assert.match(err, /did not answer and was ended/);
    assert.equal(await isHeld(), false);
  });

  it('never cuts off what it was told to leave alone', async () => {
    await startAgent('--never', `${CLIENT}/32`);
    await startResponder();
    await propose('1.1', { kind: 'isolate', host: CLIENT });
    const { reason } = await actionWhere(({ state: now }) => now === 'failed');
    assert.match(reason, /never to touch/);
    assert.ok(await net.reaches(CLIENT, SERVER));
  });

  it('lets go in time of an order that cuts off the responder itself', async () => {
    await startAgent();
    await startResponder();
    await propose('1.1', { kind: 'isolate', host: CLIENT }, { ttlSeconds: 3 });
    await comes(async () => !(await net.reaches(CLIENT, SERVER)));
    await comes(() => net.reaches(CLIENT, SERVER));
    await actionWhere(({ state: now }) => now === 'expired');
  });

  it('takes nothing from somebody else whom the same authority has signed', async () => {
    authority.sign('stranger');
    await startAgent();
    await startResponder('stranger');
    await propose('1.1', ISOLATE);
    const { reason } = await actionWhere(({ state: now }) => now === 'undoing');
    assert.match(reason, /takes no orders from 'stranger'/);
    assert.equal(await isHeld(), false);
  });
});

describe('thymus agent', () => {
  const place = ['--cert', 'c', '--key', 'k', '--ca', 'a'];

  it('says what is missing or wrong', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['--listen', '127.0.0.1:0', ...place], /'--allow <name>' not specified/],
      [['--listen', 'x', '--allow', 'r', ...place], /'--listen' must be an address and a port/],
      [['--listen', '127.0.0.1:0', '--allow', 'r', ...place], /'--cert' c cannot be read/],
      [
        ['--listen', '127.0.0.1:0', '--allow', 'r', ...place, '--never', 'office'],
        /'--never' must be address prefixes/,
      ],
      [
        ['--listen', '127.0.0.1:0', '--allow', 'r', ...place, '--at', 'ingress'],
        /'devices' belongs to 'at: ingress', which needs at least one/,
      ],
    ];
    for (const [args, words] of cases) {
      const { code, err } = await thymus(['agent', ...args]);
      assert.equal(code, 2);
      assert.match(err, words);
    }
  });
});
