import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Measure } from '../../src/domain/action.js';
import type { Order } from '../../src/response/actuators/actuator.js';
import { Bgp } from '../../src/response/actuators/bgp.js';
import { Gobgp } from '../../src/response/actuators/gobgp.js';
import { allDone, failure } from '../src/response/support.js';
import { BgpNet, NEAR } from './support/bgp_net.js';
import { orSkip } from './support/needs.js';

const order = (id: string, measure: Measure): Order => ({ id, measure, ttlMs: 60_000 });
const block = order('a-1', { kind: 'block_external', address: '192.0.2.1' });

describe('GoBGP with a second speaker', function () {
  this.timeout(60_000);
  let net: BgpNet | null = null;
  let far: ChildProcess;
  let bgp: Bgp;
  const start = (): Bgp =>
    new Bgp({
      ledgerPath: join(net!.folder, 'routes.json'),
      kinds: null,
      speaker: new Gobgp({
        program: net!.within(net!.near, 'gobgp'),
        timeoutMs: 5000,
        mark: '64512:28025',
        blackholeCommunities: ['65535:666'],
        nextHop: { '4': NEAR, '6': 'fd78::1' },
      }),
    });

  before(async function () {
    net = orSkip(this, BgpNet.make());
    bgp = start();
    net.startGobgpd('near');
    far = net.startGobgpd('far');
    for (let i = 0; i < 300 && !(await bgp.apply([block]))[0]!.ok; i++) await sleep(100);
    allDone(await bgp.undo([block]));
  });
  after(() => net?.remove());

  it('announces dropping of an address and takes it back', async () => {
    assert.equal(await bgp.verify(block), false);
    allDone(await bgp.apply([block]));
    await net!.hears(/\[source: 192\.0\.2\.1\/32\].*64512:28025.*discard/);
    await net!.hears(/\[destination: 192\.0\.2\.1\/32\].*discard/);
    assert.equal(await bgp.verify(block), true);
    assert.deepEqual(await bgp.list(), ['a-1']);
    allDone(await bgp.undo([block]));
    await net!.hears(/192\.0\.2\.1/, false);
    assert.deepEqual(await bgp.list(), []);
  });

  it('announces edges, rates, IPv6 and blackholes', async () => {
    const edge = { from: '192.0.2.5', to: '198.51.100.1', protocol: 'tcp', port: 80 } as const;
    const orders = [
      order('a-1', { kind: 'block_edge', edge }),
      order('a-2', { kind: 'rate_limit', host: '192.0.2.6', bytesPerSecond: 1000 }),
      order('a-3', { kind: 'isolate', host: '2001:db8::1' }),
      order('a-4', { kind: 'blackhole', victim: '198.51.100.7' }),
      order('a-5', { kind: 'blackhole', victim: '2001:db8::7' }),
    ];
    allDone(await bgp.apply(orders));
    await net!.hears(
      /\[destination: 198\.51\.100\.1\/32\]\[source: 192\.0\.2\.5\/32\]\[protocol: ==tcp\]\[destination-port: ==80\].*discard/,
    );
    await net!.hears(/\[source: 192\.0\.2\.6\/32\].*rate: 1000/);
    await net!.hears(/\[source: 2001:db8::1\/128.*discard/);
    await net!.hears(/198\.51\.100\.7\/32 .*blackhole, 64512:28025/);
    await net!.hears(/2001:db8::7\/128 .*blackhole, 64512:28025/);
    for (const each of orders) assert.equal(await bgp.verify(each), true, each.id);
    allDone(await bgp.undo(orders));
    await net!.hears(/198\.51\.100|192\.0\.2|2001:db8/, false);
  });

  it('goes on where a run before it has stopped, and keeps what a second action needs', async () => {
    allDone(await bgp.apply([block]));
    const next = start();
    assert.deepEqual(await next.list(), ['a-1']);
    allDone(await next.apply([{ ...block, id: 'a-2' }]));
    allDone(await next.undo([block]));
    assert.deepEqual(await next.list(), ['a-2']);
    allDone([await next.panic()]);
    await net!.hears(/192\.0\.2\.1/, false);
    bgp = start();
  });

  it('withdraws in panic what no action is known for, and leaves the routes of others', async () => {
    const gobgp = (...words: readonly string[]) =>
      net!.start(net!.near, 'gobgp', 'global', 'rib', 'add', '-a', 'ipv4', ...words);
    gobgp('203.0.113.1/32', 'nexthop', NEAR, 'community', '64512:28025');
    gobgp('203.0.113.2/32', 'nexthop', NEAR);
    await net!.hears(/203\.0\.113\.1\/32[\s\S]*203\.0\.113\.2\/32/);
    assert.deepEqual(await bgp.list(), ['stray-blackhole-203-0-113-1']);
    allDone([await bgp.panic()]);
    await net!.hears(/203\.0\.113\.1\/32/, false);
    await net!.hears(/203\.0\.113\.2\/32/);
  });

  it('says that no session is up, and announces nothing', async () => {
    far.kill('SIGKILL');
    let outcome = (await bgp.apply([block]))[0];
    for (let i = 0; i < 100 && outcome?.ok; i++) {
      await bgp.undo([block]);
      await sleep(100);
      outcome = (await bgp.apply([block]))[0];
    }
    const { reason, retry } = failure(outcome);
    assert.match(reason, /No BGP session is up/);
    assert.ok(retry);
    assert.deepEqual(await bgp.list(), []);
  });
});

describe('GoBGP without what it needs', () => {
  const bgp = (program: [string, ...string[]]): Bgp =>
    new Bgp({
      ledgerPath: '/nowhere/routes.json',
      kinds: null,
      speaker: new Gobgp({
        program,
        timeoutMs: 2000,
        mark: '64512:28025',
        blackholeCommunities: [],
        nextHop: { '4': null, '6': null },
      }),
    });

  it('says that the program is missing', async () => {
    const { reason, retry } = failure((await bgp(['/nowhere/gobgp']).apply([block]))[0]);
    assert.match(reason, /is missing/);
    assert.ok(!retry);
    assert.equal(await bgp(['/nowhere/gobgp']).verify(block), null);
    assert.ok(!failure(await bgp(['/nowhere/gobgp']).panic()).retry);
  });

  it('says that the daemon is away', async () => {
    const away = bgp(['sh', '-c', 'echo error: context deadline exceeded; exit 1']);
    assert.match(failure((await away.apply([block]))[0]).reason, /gobgpd does not answer/);
  });

  it('announces nothing that it cannot note', async () => {
    const up = '[{"state":{"session_state":6}}]';
    const { reason } = failure((await bgp(['sh', '-c', `echo '${up}'`]).apply([block]))[0]);
    assert.match(
      reason,
      /Cannot write '\/nowhere\/routes\.json' \(there is no such folder: make it\)/,
    );
  });
});
