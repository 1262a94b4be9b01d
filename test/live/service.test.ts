import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outcomeOf, present, startThymus, thymus } from '../src/support/thymus.js';
import { Namespace } from './support/namespace.js';
import { orSkip } from './support/needs.js';
import { until } from './support/until.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const UNIT = join(ROOT, 'examples', 'thymus.service');
const NOBODY = '65534';

describe('thymus watch as a service', function () {
  this.timeout(60_000);
  let namespace: Namespace;
  let folder: string | null = null;
  const at = (name: string): string => join(folder!, name);

  before(function () {
    namespace = orSkip(this, Namespace.make());
    folder = mkdtempSync(join(tmpdir(), 'thymus-service-'));
    chmodSync(folder, 0o777);
  });

  after(() => {
    if (folder === null) return;
    namespace.remove();
    rmSync(folder, { recursive: true });
  });

  it('tells the service manager that it is ready, alive, reloading and stopping', async () => {
    const manager = new FakeManager(at('notify.sock'));
    await manager.heard(/^listening$/);
    const child = startThymus(['watch', 'far', '--no-store', '-q', '--state', at('state')], {
      wrapper: namespace.wrapper,
      env: { NOTIFY_SOCKET: at('notify.sock'), WATCHDOG_USEC: '1500000' },
    });
    const outcome = outcomeOf(child);
    await manager.heard(/^READY=1$/);
    assert.ok(namespace.hears('far'));
    await manager.heard(/^WATCHDOG=1$/);
    child.kill('SIGHUP');
    await manager.heard(/^RELOADING=1$/);
    await manager.heard(/^MONOTONIC_USEC=\d+$/);
    await manager.heard(/^READY=1$/);
    child.kill('SIGTERM');
    await manager.heard(/^STOPPING=1$/);
    assert.equal((await outcome).code, 0);
    manager.close();
  });

  it('ends when the signal comes before it has begun', async () => {
    const state = at('early');
    const child = startThymus(['watch', 'far', '--no-store', '-q', '--state', state], {
      wrapper: namespace.wrapper,
    });
    const outcome = outcomeOf(child);
    await present(join(state, 'live'));
    child.kill('SIGTERM');
    assert.equal((await outcome).code, 0);
  });

  it('takes over a changed budget at SIGHUP, and names what has to wait', async () => {
    const config = at('thymus.yaml');
    writeFileSync(config, 'budget: 1\n');
    const state = at('budget');
    const args = ['watch', 'far', '--no-store', '--config', config, '--state', state];
    const child = startThymus(args, { wrapper: namespace.wrapper });
    const outcome = outcomeOf(child);
    await namespace.heard('far');
    const budget = async (): Promise<number> => {
      const { out } = await thymus(['stats', '--json', '--state', state]);
      const status = JSON.parse(out) as { budget: { perDayPer1000: number } };
      return status.budget.perDayPer1000;
    };
    assert.equal(await budget(), 1);
    writeFileSync(config, 'budget: 5\nlanes: 2\n');
    child.kill('SIGHUP');
    await until({
      look: async () => (await budget()) === 5,
      seen: async () => `a budget of ${await budget()}`,
      withinMs: 30_000,
    });
    writeFileSync(config, 'budget: many\n');
    child.kill('SIGHUP');
    assert.equal(await budget(), 5);
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    assert.equal(code, 0);
    assert.match(err, /next start takes over what has changed in lanes\./);
    assert.match(err, /'budget' must be .* The settings stay as they were\./);
  });

  it('answers Prometheus where it is asked to', async () => {
    const args = ['watch', 'lo', '--no-store', '-q', '--state', at('prometheus')];
    const child = startThymus([...args, '--prometheus', '127.0.0.1:9464'], {
      wrapper: namespace.wrapper,
    });
    const outcome = outcomeOf(child);
    await namespace.heard('lo');
    const text = namespace.run(
      process.execPath,
      '-e',
      "fetch('http://127.0.0.1:9464/metrics').then((r) => r.text()).then(console.log)",
    );
    child.kill('SIGTERM');
    assert.equal((await outcome).code, 0);
    assert.match(text, /^# TYPE thymus_packets_total counter$/m);
    assert.match(text, /^thymus_kernel_drops_total 0$/m);
    assert.match(text, /^thymus_latency_seconds\{stage="record",quantile="0.99"\} \d/m);
  });

  it('says which place is taken', async () => {
    const args = ['watch', 'far', '--no-store', '-q', '--prometheus', '203.0.113.1:9464'];
    const { code, err } = await thymus(args, { wrapper: namespace.wrapper });
    assert.equal(code, 2);
    assert.match(err, /^thymus: Nothing can listen on 203\.0\.113\.1:9464 \(EADDRNOTAVAIL\).*\.$/m);
  });

  it('watches as nobody, with two capabilities', async function () {
    const why = whyNotAsNobody();
    if (why !== null) {
      console.log(`      skipped: ${why}`);
      this.skip();
    }
    const caps = '-all,+net_raw,+net_admin';
    const wrapper = [
      ...namespace.wrapper,
      ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
      ...[`--inh-caps=${caps}`, `--ambient-caps=${caps}`, `--bounding-set=${caps}`],
      '--no-new-privs',
    ];
    const eve = at('nobody.eve.json');
    const child = startThymus(
      ['watch', 'lo', '--no-store', '--eve', eve, '--state', at('nobody')],
      {
        wrapper,
      },
    );
    const outcome = outcomeOf(child);
    await present(eve);
    await namespace.heard('lo');
    namespace.run('bash', '-c', 'echo > /dev/udp/127.0.0.1/9');
    await until({
      look: async () => (await statsOf(at('nobody'))).includes('"packets":2'),
      seen: () => statsOf(at('nobody')),
      withinMs: 30_000,
    });
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    assert.equal(code, 0, err);
    assert.match(readFileSync(eve, 'utf8'), /"event_type":"flow"/);
  });

  it('has a unit that systemd takes', function () {
    const verified = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' });
    if (verified.error !== undefined) {
      console.log("      skipped: the program 'systemd-analyze' is missing: install systemd");
      this.skip();
    }
    const complaints = verified.stderr
      .split('\n')
      .filter((line) => line.includes('thymus') && !line.includes('is not executable'));
    assert.deepEqual(complaints, []);
  });

  const statsOf = async (state: string): Promise<string> =>
    (await thymus(['stats', '--json', '--state', state])).out;
});

/** A service manager's socket; what it hears comes line by line. */
class FakeManager {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(path: string) {
    const script =
      'use Socket; socket($s, AF_UNIX, SOCK_DGRAM, 0); bind($s, sockaddr_un($ARGV[0])) or die; ' +
      '$| = 1; print "listening\\n"; while (recv($s, $m, 4096, 0), 1) { print "$m\\n" }';
    this.#child = spawn('perl', ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Settles at the next line that fits. */
  async heard(what: RegExp): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error('The socket is closed.');
      if (what.test(value)) return;
    }
  }

  close(): void {
    this.#reader.close();
    this.#child.kill();
  }
}

/** @returns a sentence where nobody cannot run this checkout */
function whyNotAsNobody(): string | null {
  const bin = join(ROOT, 'bin', 'thymus');
  const { status, error } = spawnSync('setpriv', [
    ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
    ...[process.execPath, bin, '--help'],
  ]);
  if (error !== undefined) return "the program 'setpriv' is missing: install util-linux";
  return status === 0 ? null : 'another user may not read this checkout';
}
