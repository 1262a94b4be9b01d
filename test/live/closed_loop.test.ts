import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockOwner } from '../../src/store/process_lock.js';
import { responseFiles } from '../../src/store/response_files.js';
import { outcomeOf, startThymus, thymus, type Outcome } from '../src/support/thymus.js';
import {
  ACTING_CONFIG,
  ADMIN_PORT,
  CLIENT,
  GatewayNet,
  OTHER_CLIENT,
  OTHER_PORT,
  PORT,
  SERVER,
} from './support/gateway_net.js';
import { orSkip, whyNoProgram } from './support/needs.js';
import { until } from './support/until.js';

/** Closed ones, of which a scan gets a refusal. */
const SCANNED = Array.from({ length: 60 }, (_, i) => 2000 + i);
const NORMAL_CALLS = 20;
/** Of another host while one is held; 0.1 % of them may fail. */
const CALLS_OF_OTHERS = 1000;
const CALLS_AT_ONCE = 50;
const LOST_MOST = 1;
const FTP_PORT = 21;
const GUESSES = 400;
/** More than a program that spreads needs to be told from one that runs another by chance. */
const SPREAD_TO = Array.from({ length: 40 }, (_, i) => `10.77.2.${100 + i}`);
const SEEN_WITHIN_MS = 60_000;

interface ShownStats {
  readonly isOpen: boolean;
  readonly counters: Readonly<Record<string, number>>;
}

interface ShownAction {
  readonly id: string;
  readonly state: string;
  readonly proposal: {
    readonly detectors: readonly string[];
    readonly chosen: { readonly measure: Readonly<Record<string, unknown>> };
  };
}

describe('a watch at a gateway that answers', function () {
  this.timeout(180_000);
  let net: GatewayNet;
  let folder: string | null = null;
  let child: ChildProcess;
  let outcome: Promise<Outcome>;

  before(async function () {
    net = orSkip(this, whyNoProgram('nft', 'nftables') ?? (await GatewayNet.make()));
  });
  after(() => (net as GatewayNet | undefined)?.remove());

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-loop-'));
    const config = join(folder, 'thymus.yaml');
    writeFileSync(config, ACTING_CONFIG);
    const args = ['watch', 'lan1', '--no-store', '-q', '--state', folder, '--config', config];
    child = startThymus([...args, '--respond'], { wrapper: net.wrapper });
    outcome = outcomeOf(child);
    await until({
      look: async () => (await stats())?.isOpen === true && (await asked('actions')).code === 0,
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });
  });
  afterEach(async () => {
    if (folder === null) return;
    child.kill('SIGTERM');
    await outcome;
    assert.equal((await asked('panic')).code, 0);
    const owner = lockOwner(responseFiles(folder).lock);
    if (owner !== null) process.kill(owner.pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
    folder = null;
  });

  const asked = (command: string, ...args: readonly string[]): Promise<Outcome> =>
    thymus([command, ...args, '--state', folder!], { wrapper: net.wrapper });

  async function stats(): Promise<ShownStats | null> {
    const { code, out } = await asked('stats', '--json');
    return code === 0 ? (JSON.parse(out) as ShownStats) : null;
  }

  async function actions(): Promise<readonly ShownAction[]> {
    const { out } = await asked('actions', '--json');
    const lines = out.split('\n').filter((line) => line.includes('"state"'));
    return lines.map((line) => JSON.parse(line) as ShownAction);
  }

  /** The first action of a kind, when there is one. */
  const actionOf = (isMeant: (action: ShownAction) => boolean): Promise<ShownAction> =>
    until({
      look: async () => (await actions()).find(isMeant),
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });

  async function saidByAll(): Promise<string> {
    const said = [await asked('actions', '--all', '--json'), await asked('stats', '--json')];
    return said.map(({ code, out, err }) => `${code} ${out}${err}`).join('\n');
  }

  /** Until the calls have ended for the watch, too: by them it knows what a measure would harm. */
  async function workNormally(): Promise<void> {
    for (let i = 0; i < NORMAL_CALLS; i++) {
      assert.ok(await net.reaches(CLIENT, SERVER, PORT));
      assert.ok(await net.reaches(OTHER_CLIENT, SERVER, OTHER_PORT));
    }
    const nEnded = async (): Promise<number> => (await stats())?.counters['flows_ended'] ?? 0;
    await until({
      look: async () => (await nEnded()) >= 2 * NORMAL_CALLS,
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });
  }

  const reachable = (from: string, port: number): Promise<boolean> =>
    until({
      look: () => net.reaches(from, SERVER, port),
      seen: saidByAll,
      withinMs: SEEN_WITHIN_MS,
    });

  function startFtp(): void {
    const jail = join(folder!, 'empty');
    mkdirSync(jail);
    const config = join(folder!, 'vsftpd.conf');
    const settings = ['listen=YES', 'background=NO', 'anonymous_enable=NO', 'local_enable=YES'];
    const rest = ['seccomp_sandbox=NO', 'xferlog_enable=NO', `secure_chroot_dir=${jail}`];
    writeFileSync(config, `${[...settings, ...rest].join('\n')}\n`);
    net.serve('vsftpd', config);
  }

  /** None of them is right: there is nobody of that name. */
  function startGuessing(): ChildProcess {
    const words = join(folder!, 'words');
    writeFileSync(words, Array.from({ length: GUESSES }, (_, i) => `letmein${i}\n`).join(''));
    const [ip, ...args] = net.clientWrapper;
    const hydra = ['hydra', '-I', '-l', 'thymus-nobody', '-P', words, '-t', '4'];
    // It leaves a file where it runs.
    const options = { stdio: 'ignore', cwd: folder!, detached: true } as const;
    return spawn(ip, [...args, ...hydra, `ftp://${SERVER}`], options);
  }

  /** What is done to one host must not be felt by another one. */
  async function checkOthers(): Promise<void> {
    const calls = { from: OTHER_CLIENT, to: SERVER, port: OTHER_PORT, count: CALLS_AT_ONCE };
    let lost = CALLS_OF_OTHERS;
    for (let i = 0; i < CALLS_OF_OTHERS / CALLS_AT_ONCE; i++) {
      lost -= await net.probe({ how: 'tcp', waitMs: 2000, ...calls });
    }
    assert.ok(lost <= LOST_MOST, `${lost} of ${CALLS_OF_OTHERS} calls were lost`);
  }

  it('holds a scanner when a person agrees, harms nobody else, and lets it go', async () => {
    await workNormally();
    for (const port of SCANNED) await net.reaches(CLIENT, SERVER, port);
    const { id } = await actionOf(({ state }) => state === 'pending');
    assert.ok(await net.reaches(CLIENT, SERVER, OTHER_PORT), 'nothing is done unasked');
    assert.equal((await asked('approve', id, '--as', 'anna')).code, 0);
    await actionOf((one) => one.id === id && one.state === 'active');
    assert.equal(await net.reaches(CLIENT, SERVER, OTHER_PORT), false);
    assert.ok(await net.reaches(OTHER_CLIENT, SERVER, OTHER_PORT));
    await checkOthers();
    assert.equal((await asked('rollback', id, '--as', 'anna')).code, 0);
    await reachable(CLIENT, OTHER_PORT);
    const story = await asked('audit', 'show', id);
    assert.match(story.out, /anna says: approve/);
    assert.equal((await asked('audit', 'verify')).code, 0);
  });

  it('cuts off who guesses passwords from that service alone, and harms nobody else', async function () {
    orSkip(this, whyNoProgram('vsftpd', 'vsftpd', '-v') ?? whyNoProgram('hydra', 'hydra', '-h'));
    await workNormally();
    startFtp();
    await reachable(OTHER_CLIENT, FTP_PORT);
    const guesser = startGuessing();
    try {
      const { id, proposal } = await actionOf(({ state }) => state === 'pending');
      const edge = { from: CLIENT, to: SERVER, protocol: 'tcp', port: FTP_PORT };
      assert.deepEqual(proposal.chosen.measure, { kind: 'block_edge', edge });
      assert.equal((await asked('approve', id, '--as', 'anna')).code, 0);
      await actionOf((one) => one.id === id && one.state === 'active');
      assert.equal(await net.reaches(CLIENT, SERVER, FTP_PORT), false);
      assert.ok(await net.reaches(CLIENT, SERVER, PORT));
      assert.ok(await net.reaches(OTHER_CLIENT, SERVER, FTP_PORT));
      await checkOthers();
      assert.equal((await asked('rollback', id, '--as', 'anna')).code, 0);
    } finally {
      // It works with several processes, which would stay.
      if (guesser.exitCode === null) {
        process.kill(-guesser.pid!, 'SIGKILL');
        await once(guesser, 'exit');
      }
    }
    await reachable(CLIENT, FTP_PORT);
    assert.equal((await asked('audit', 'verify')).code, 0);
  });

  it('stops who was reached on a port and goes on to others there, and harms nobody else', async () => {
    net.addServers(SPREAD_TO);
    await net.serveAtClient();
    await workNormally();
    assert.ok(await net.reaches(SERVER, CLIENT, ADMIN_PORT));
    for (const host of SPREAD_TO) assert.ok(await net.reaches(CLIENT, host, ADMIN_PORT));
    const { id, proposal } = await actionOf(({ state }) => state === 'pending');
    assert.ok(proposal.detectors.includes('worm'), proposal.detectors.join());
    const { kind, host, edges } = proposal.chosen.measure;
    assert.deepEqual([kind, host], ['hold_pattern', CLIENT]);
    // Connections of an earlier test may end in this one, and are normal then.
    const ports = (edges as readonly { port: number }[]).map(({ port }) => port);
    assert.ok(ports.includes(PORT) && !ports.includes(ADMIN_PORT), ports.join());
    assert.equal((await asked('approve', id, '--as', 'anna')).code, 0);
    await actionOf((one) => one.id === id && one.state === 'active');
    assert.equal(await net.reaches(CLIENT, SPREAD_TO[0]!, ADMIN_PORT), false);
    assert.ok(await net.reaches(CLIENT, SERVER, PORT), 'what it did before goes on');
    assert.ok(await net.reaches(OTHER_CLIENT, SPREAD_TO[0]!, ADMIN_PORT));
    await checkOthers();
    assert.equal((await asked('rollback', id, '--as', 'anna')).code, 0);
    await reachable(CLIENT, ADMIN_PORT);
    assert.equal((await asked('audit', 'verify')).code, 0);
  });

  it('limits the sources of a flood at once, and the victim goes on serving', async function () {
    orSkip(this, whyNoProgram('hping3', 'hping3'));
    await workNormally();
    const [ip, ...args] = net.clientWrapper;
    const flood = ['-q', '-n', '-S', '--rand-source', '-p', String(PORT), '-i', 'u300'];
    // Where the machine is busy it sends so slowly that it takes a while to be a flood.
    const sender = spawn(ip, [...args, 'hping3', ...flood, SERVER], { stdio: 'ignore' });
    const limit = await actionOf(({ state }) => state === 'active').finally(async () => {
      sender.kill('SIGKILL');
      await once(sender, 'exit');
    });
    assert.equal(limit.proposal.chosen.measure['kind'], 'limit_sources');
    assert.equal(limit.proposal.chosen.measure['victim'], SERVER);
    assert.ok(await net.reaches(OTHER_CLIENT, SERVER, PORT));
    assert.equal((await asked('audit', 'verify')).code, 0);
  });
});
