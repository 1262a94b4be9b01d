import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Order } from '../../src/response/actuators/actuator.js';
import { Rpz } from '../../src/response/actuators/rpz.js';
import { freePort } from './support/free_port.js';
import { orSkip, whyNoProgram } from './support/needs.js';

const sinkhole = (id: string, domain: string): Order => ({
  id,
  measure: { kind: 'sinkhole', domain },
  ttlMs: 60_000,
});

describe('RPZ with a real name server', function () {
  this.timeout(30_000);
  let folder = '';
  let named: ChildProcess | null = null;
  let rpz: Rpz;
  let resolver: Resolver;

  before(async function () {
    const missing = whyNoProgram('named', 'bind9', '-v') ?? whyNoProgram('rndc', 'bind9', '-h');
    orSkip(this, missing);
    folder = mkdtempSync(join(tmpdir(), 'thymus-rpz-'));
    chmodSync(folder, 0o755);
    const [port, control] = [await freePort(), await freePort()];
    const key = `key k { algorithm hmac-sha256; secret "${randomBytes(32).toString('base64')}"; };`;
    const rndc = `${key}\noptions { default-key k; default-server 127.0.0.1; default-port ${control}; };`;
    writeFileSync(join(folder, 'rndc.conf'), rndc);
    writeFileSync(
      join(folder, 'good.zone'),
      '$TTL 60\n@ SOA a. b. 1 60 60 60 60\n@ NS a.\nwww A 192.0.2.7\nbad A 192.0.2.8\nx.bad A 192.0.2.9\n',
    );
    writeFileSync(
      join(folder, 'named.conf'),
      `${key}
controls { inet 127.0.0.1 port ${control} allow { 127.0.0.1; } keys { k; }; };
options {
  directory "${folder}"; pid-file none; session-keyfile none; recursion yes;
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  response-policy { zone "rpz.thymus"; } qname-wait-recurse no min-update-interval 0;
  dnssec-validation no;
};
zone "good.example" { type primary; file "good.zone"; };
zone "rpz.thymus" { type primary; file "rpz.zone"; allow-query { none; }; };
`,
    );
    rpz = new Rpz({
      path: join(folder, 'rpz.zone'),
      reload: null,
      timeoutMs: 5000,
      answer: null,
      ttlSeconds: 1,
    });
    assert.deepEqual(await rpz.panic(), { ok: true }, 'an empty zone to begin with');
    const args = ['-f', '-c', join(folder, 'named.conf')];
    named = spawn('named', args, { stdio: 'ignore' });
    rpz = new Rpz({
      path: join(folder, 'rpz.zone'),
      reload: ['rndc', '-c', join(folder, 'rndc.conf'), 'reload', 'rpz.thymus'],
      timeoutMs: 5000,
      answer: null,
      ttlSeconds: 1,
    });
    resolver = new Resolver({ timeout: 1000, tries: 2 });
    resolver.setServers([`127.0.0.1:${port}`]);
    await becomes('www.good.example', '192.0.2.7');
  });
  after(() => {
    named?.kill('SIGKILL');
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (name: string): Promise<string> => {
    try {
      return (await resolver.resolve4(name))[0]!;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    }
  };
  // The name server says that it will read the zone, and does so soon after.
  const becomes = async (name: string, answer: string): Promise<void> => {
    for (let i = 0; i < 200 && (await ask(name)) !== answer; i++) await sleep(50);
    assert.equal(await ask(name), answer);
  };

  it('sinkholes a name and what is below it, and lets it go', async () => {
    await becomes('bad.good.example', '192.0.2.8');
    const order = sinkhole('a-1', 'bad.good.example');
    assert.deepEqual(await rpz.apply([order]), [{ ok: true }]);
    await becomes('bad.good.example', 'ENOTFOUND');
    assert.equal(await ask('x.bad.good.example'), 'ENOTFOUND');
    assert.equal(await ask('www.good.example'), '192.0.2.7', 'others are left alone');
    assert.deepEqual(await rpz.undo([order]), [{ ok: true }]);
    await becomes('bad.good.example', '192.0.2.8');
  });

  it('says that the name server is away', async () => {
    named?.kill('SIGKILL');
    await sleep(100);
    const [outcome] = await rpz.apply([sinkhole('a-2', 'bad.good.example')]);
    assert.ok(outcome?.ok === false && outcome.retry);
    assert.match(outcome.reason, /does not read the zone .*check that it runs\.$/);
    assert.deepEqual(await rpz.list(), []);
  });
});
