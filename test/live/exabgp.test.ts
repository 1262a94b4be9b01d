import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Measure } from '../../src/domain/action.js';
import type { Order } from '../../src/response/actuators/actuator.js';
import { Bgp } from '../../src/response/actuators/bgp.js';
import { Exabgp } from '../../src/response/actuators/exabgp.js';
import { allDone, failure } from '../src/response/support.js';
import { BgpNet, FAR, NEAR } from './support/bgp_net.js';
import { orSkip, whyNoProgram } from './support/needs.js';

const order = (id: string, measure: Measure): Order => ({ id, measure, ttlMs: 60_000 });
const block = order('a-1', { kind: 'block_external', address: '192.0.2.1' });

function startExabgp(net: BgpNet): void {
  const run = join(net.folder, 'run');
  mkdirSync(run);
  for (const pipe of ['exabgp.in', 'exabgp.out']) execFileSync('mkfifo', [join(run, pipe)]);
  const config = `neighbor ${FAR} {
  router-id ${NEAR}; local-address ${NEAR}; local-as 65001; peer-as 65002; connect 1790;
  adj-rib-out true;
  family { ipv4 unicast; ipv6 unicast; ipv4 flow; ipv6 flow; }
}
`;
  const path = join(net.folder, 'exabgp.conf');
  writeFileSync(path, config);
  // It leaves root behind, but shall still open the pipes.
  net.start(net.near, 'env', 'exabgp.daemon.user=root', 'exabgp', '--root', net.folder, path);
}

describe('ExaBGP with a second speaker', function () {
  this.timeout(60_000);
  let net: BgpNet | null = null;
  let far: ChildProcess;
  let bgp: Bgp;

  before(async function () {
    net = orSkip(this, whyNoProgram('exabgpcli', 'exabgp', '--help') ?? BgpNet.make());
    bgp = new Bgp({
      ledgerPath: join(net.folder, 'routes.json'),
      kinds: null,
      speaker: new Exabgp({
        program: ['exabgpcli', '--root', net.folder],
        timeoutMs: 8000,
        mark: '64512:28025',
        blackholeCommunities: ['65535:666'],
        nextHop: { '4': NEAR, '6': 'fd78::1' },
      }),
    });
    far = net.startGobgpd('far');
    startExabgp(net);
    for (let i = 0; i < 30 && !(await bgp.apply([block]))[0]!.ok; i++) await sleep(500);
    allDone(await bgp.undo([block]));
  });
  after(() => net?.remove());

  it('announces routes, lists and withdraws them', async () => {
    const edge = { from: '192.0.2.5', to: '198.51.100.1', protocol: 'tcp', port: 80 } as const;
    const orders = [
      block,
      order('a-2', { kind: 'block_edge', edge }),
      order('a-3', { kind: 'rate_limit', host: '2001:db8::1', bytesPerSecond: 1000 }),
      order('a-4', { kind: 'blackhole', victim: '198.51.100.7' }),
    ];
    assert.equal(await bgp.verify(block), false);
    allDone(await bgp.apply(orders));
    await net!.hears(/\[source: 192\.0\.2\.1\/32\].*64512:28025.*discard/);
    await net!.hears(
      /\[source: 192\.0\.2\.5\/32\]\[protocol: ==tcp\]\[destination-port: ==80\].*discard/,
    );
    await net!.hears(/\[source: 2001:db8::1\/128.*rate: 1000/);
    await net!.hears(/198\.51\.100\.7\/32 .*blackhole, 64512:28025/);
    for (const each of orders) assert.equal(await bgp.verify(each), true, each.id);
    assert.deepEqual((await bgp.list())?.toSorted(), ['a-1', 'a-2', 'a-3', 'a-4']);
    allDone(await bgp.undo(orders.slice(0, 3)));
    await net!.hears(/192\.0\.2|2001:db8/, false);
    assert.deepEqual(await bgp.list(), ['a-4']);
    allDone([await bgp.panic()]);
    await net!.hears(/198\.51\.100\.7/, false);
  });

  it('says that no session is up', async () => {
    far.kill('SIGKILL');
    let outcome = (await bgp.apply([block]))[0];
    for (let i = 0; i < 20 && outcome?.ok; i++) {
      await bgp.undo([block]);
      await sleep(200);
      outcome = (await bgp.apply([block]))[0];
    }
    const { reason, retry } = failure(outcome);
    assert.match(reason, /No BGP session is up/);
    assert.ok(retry);
  });
});

describe('ExaBGP without what it needs', () => {
  const bgp = (program: [string, ...string[]]): Bgp =>
    new Bgp({
      ledgerPath: '/nowhere/routes.json',
      kinds: null,
      speaker: new Exabgp({
        program,
        timeoutMs: 8000,
        mark: '64512:28025',
        blackholeCommunities: [],
        nextHop: { '4': null, '6': null },
      }),
    });

  it('says that the program is missing', async () => {
    assert.match(
      failure((await bgp(['/nowhere/exabgpcli']).apply([block]))[0]).reason,
      /is missing/,
    );
  });

  it('says that the daemon is away', async () => {
    const away = bgp(['sh', '-c', "echo could not find ExaBGP's named pipes; exit 1"]);
    const { reason, retry } = failure((await away.apply([block]))[0]);
    assert.match(reason, /ExaBGP does not answer .*named pipes/);
    assert.ok(retry);
    assert.equal(await away.list(), null);
  });
});
