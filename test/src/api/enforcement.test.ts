import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials, status } from '@grpc/grpc-js';

import { thymus } from '../../../src/api/gen/enforcement.js';
import { AgentClient } from '../../../src/api/grpc/agent_client.js';
import { ENFORCEMENT_FILE } from '../../../src/api/grpc/enforcement.js';
import { EnforcementService } from '../../../src/api/grpc/enforcement_service.js';
import { GrpcServer } from '../../../src/api/grpc/server.js';
import type { Measure } from '../../../src/domain/action.js';
import { AllowList } from '../../../src/domain/measure.js';
import type { Order } from '../../../src/response/actuators/actuator.js';
import { Agent } from '../../../src/response/actuators/agent.js';
import { BootClock } from '../../../src/response/clock.js';
import { LeaseKeeper } from '../../../src/response/lease_keeper.js';
import { Authority, type Identity } from '../support/certificates.js';
import { GrpcClient } from '../support/grpc_client.js';
import { blockOf, proposalOf } from '../response/support/proposals.js';
import { Desk, settled } from '../response/support/desk.js';
import { FileActuator } from '../response/support/file_actuator.js';

const EDGE = { from: '10.0.0.1', to: '10.0.0.2', protocol: 'tcp', port: 443 } as const;
const MEASURES: readonly Measure[] = [
  { kind: 'limit_sources', victim: '10.0.0.1', protocol: 'any', port: null, packetsPerSecond: 5 },
  { kind: 'rate_limit', host: '10.0.0.1', bytesPerSecond: 1000.5 },
  { kind: 'block_edge', edge: EDGE },
  { kind: 'block_edge', edge: { ...EDGE, port: null, protocol: 'icmp' } },
  { kind: 'block_external', address: '2001:db8::1' },
  { kind: 'hold_pattern', host: '10.0.0.1', edges: [EDGE, { ...EDGE, port: 80 }] },
  { kind: 'hold_pattern', host: '10.0.0.1', edges: [] },
  { kind: 'isolate', host: '10.0.0.1' },
];

const order = (id: string, measure = blockOf('203.0.113.7'), ttlMs = 60_000): Order => ({
  id,
  measure,
  ttlMs,
});

/** Enforces by files, and keeps the orders as they came. */
class Witness extends FileActuator {
  readonly orders: Order[] = [];

  override apply(orders: readonly Order[]) {
    this.orders.push(...orders);
    return super.apply(orders);
  }
}

describe('thymus.v1.Enforcement', function () {
  this.timeout(20_000);
  let pki: string;
  let folder: string;
  let authority: Authority;
  let gateway: Identity;
  let responder: Identity;
  let actuator: Witness;
  let server: GrpcServer;
  let calls: string[];
  const closing: { close(): unknown }[] = [];

  before(function () {
    if (!Authority.isPossible) this.skip();
    pki = mkdtempSync(join(tmpdir(), 'thymus-pki-'));
    authority = new Authority(pki, 'authority');
    gateway = authority.sign('localhost');
    responder = authority.sign('responder');
  });
  after(() => {
    if (Authority.isPossible) rmSync(pki, { recursive: true });
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-agent-'));
    await listen(0);
  });
  afterEach(async () => {
    for (const one of closing.splice(0)) one.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  async function listen(port: number): Promise<void> {
    actuator = new Witness(join(folder, 'enforced'));
    calls = [];
    const never = new AllowList(['192.0.2.0/28']);
    const keeper = new LeaseKeeper({ actuator, clock: new BootClock(), never });
    const onCall = (text: string) => calls.push(text);
    const service = new EnforcementService({ keeper, client: 'responder', onCall });
    const tls = { ...gateway, ca: authority.ca, prefix: '--' };
    server = await GrpcServer.listen({ host: '127.0.0.1', port, tls }, service);
  }

  function linkAs(identity: Identity, ca = authority.ca, port = server.port): AgentClient {
    const tls = { ...identity, ca, prefix: '' };
    const place = { host: '127.0.0.1', port, serverName: 'localhost' };
    const link = new AgentClient({ ...place, timeoutMs: 1000, tls });
    closing.push(link);
    return link;
  }

  /** A client that may say what it likes. */
  function rawClient(codecs: object = thymus.v1): GrpcClient {
    const [ca, key, cert] = [authority.ca, responder.key, responder.cert].map((path) =>
      readFileSync(path),
    );
    const secure = credentials.createSsl(ca, key, cert);
    const place = `127.0.0.1:${server.port}`;
    const client = new GrpcClient(place, secure, ENFORCEMENT_FILE, codecs);
    closing.push(client);
    return client;
  }

  it('carries every measure that a packet filter knows as it is', async () => {
    const link = linkAs(responder);
    const orders = MEASURES.map((measure, i) => order(`m-${i}`, measure, 1000 + i));
    const outcomes = await link.apply(orders);
    assert.ok(outcomes.every(({ ok }) => ok));
    assert.deepEqual(actuator.orders, orders);
    assert.match(calls[0]!, /^applied m-0, m-1, m-2, m-3, m-4 and 3 more$/);
  });

  it('applies, verifies, lists, undoes and withdraws all', async () => {
    const link = linkAs(responder);
    await link.apply([order('a1'), order('a2'), order('a3')]);
    assert.deepEqual((await link.list())?.toSorted(), ['a1', 'a2', 'a3']);
    assert.equal(await link.verify(order('a1')), true);
    assert.deepEqual(await link.undo([order('a1', undefined, 0)]), [{ ok: true }]);
    assert.equal(await link.verify(order('a1')), false);
    assert.deepEqual(await link.panic(), { ok: true });
    assert.deepEqual(await link.list(), []);
  });

  it('sends many orders in several calls', async () => {
    const link = linkAs(responder);
    const edges = Array.from({ length: 4096 }, (_, i) => ({ ...EDGE, port: i + 1 }));
    const hold: Measure = { kind: 'hold_pattern', host: '10.0.0.1', edges };
    const many = Array.from({ length: 1500 }, (_, i) => order(`many-${i}`));
    const orders = [...many, ...['h1', 'h2', 'h3', 'h4', 'h5'].map((id) => order(id, hold))];
    const outcomes = await link.apply(orders);
    assert.equal(outcomes.length, orders.length);
    assert.ok(outcomes.every(({ ok }) => ok));
    assert.deepEqual(
      actuator.orders.map(({ id }) => id),
      orders.map(({ id }) => id),
    );
    assert.ok(calls.length >= 3, `${calls.length} calls`);
  });

  it('tells of each order what became of it', async () => {
    const link = linkAs(responder);
    const [never, done] = await link.apply([order('a1', blockOf('192.0.2.3')), order('a2')]);
    assert.deepEqual(done, { ok: true });
    assert.ok(never?.ok === false && !never.retry);
    assert.match(never.reason, /never to touch/);
    assert.match(calls[0]!, /^applied a2, 1 not: The agent was started never/);
  });

  it('takes orders from the one name that it was told of', async () => {
    const other = linkAs(authority.sign('other'));
    const [outcome] = await other.apply([order('a1')]);
    assert.ok(outcome?.ok === false && !outcome.retry);
    assert.match(outcome.reason, /takes no orders from 'other': see its --allow/);
    assert.equal(await other.list(), null);
    assert.equal((await other.panic()).ok, false);
    assert.deepEqual(actuator.calls, []);
    assert.match(calls[0]!, /^refused other at /);
  });

  it('refuses certificates of others, and is refused by who does not know its own', async () => {
    const strangers = new Authority(pki, 'strangers');
    const stranger = linkAs(strangers.sign('responder'));
    const [refused] = await stranger.apply([order('a1')]);
    assert.ok(refused?.ok === false && refused.retry);
    assert.match(
      refused.reason,
      /cannot be reached \(Failed to connect\): check that it runs, and/,
    );
    const careful = linkAs(authority.sign('responder'), strangers.ca);
    const [unknown] = await careful.apply([order('a1')]);
    assert.ok(unknown?.ok === false && /self-signed certificate/.test(unknown.reason));
    assert.deepEqual(actuator.calls, []);
  });

  it('refuses another version, and what makes no sense', async () => {
    const client = rawClient();
    await assert.rejects(client.call('Apply', { protocolVersion: 2, orders: [] }), {
      code: status.FAILED_PRECONDITION,
      details: /speaks version 1 and not 2: run the same version/,
    });
    const protocolVersion = 1;
    const edges = [{ from: '10.0.0.1', to: '10.0.0.2', protocol: 'tcp', port: 70_000 }];
    const senseless = [
      { kind: 'dance', target: 'x' },
      { kind: 'isolate' },
      { kind: 'block_edge', edges },
      { kind: 'block_edge', edges: [{ ...edges[0], port: 1, protocol: 'sctp; flush' }] },
      { kind: 'rate_limit', target: '10.0.0.1', bytesPerSecond: NaN },
      { kind: 'rate_limit', target: '10.0.0.1', bytesPerSecond: -1 },
      { kind: 'limit_sources', target: '10.0.0.1', protocol: 'tcp', packetsPerSecond: Infinity },
    ].map((measure, i) => ({ id: `a${i}`, measure, ttlMs: 1000 }));
    const orders = [...senseless, {}];
    const said = await client.call<thymus.v1.OrderOutcomes>('Apply', { protocolVersion, orders });
    assert.equal(said.outcomes.length, orders.length);
    for (const { isDone, mayRetry, reason } of said.outcomes) {
      assert.deepEqual([isDone, mayRetry], [false, false]);
      assert.match(reason!, /^Nobody here can read .*: run the same version of thymus/);
    }
    const many = Array.from({ length: 8193 }, () => ({}));
    await assert.rejects(client.call('Undo', { protocolVersion, orders: many }), {
      code: status.INVALID_ARGUMENT,
    });
    const bytes = { protocolVersion, orders: [{ id: 'x'.repeat(5 * 1024 * 1024) }] };
    await assert.rejects(client.call('Apply', bytes), { code: status.RESOURCE_EXHAUSTED });
    assert.deepEqual(actuator.calls, []);
  });

  it('bears bytes that are no message', async () => {
    const { Orders, Order } = thymus.v1;
    const measure = { kind: 'hold_pattern', target: '10.0.0.1', edges: [EDGE, EDGE] };
    const orders = [new Order({ id: 'a1', measure, ttlMs: 1000 })];
    const sample = Buffer.from(Orders.encode({ protocolVersion: 2, orders }).finish());
    let bytes = sample;
    // Version 2, so that what happens to be a message is refused as well.
    const Odd = { encode: () => ({ finish: () => bytes }), decode: () => ({}) };
    const client = rawClient({ ...thymus.v1, Orders: Odd });
    const samples = [
      ...Array.from(sample, (_, size) => sample.subarray(0, size)),
      ...Array.from(sample, (_, at) => Buffer.from(sample).fill(0xff, at, at + 1)),
      ...Array.from({ length: 50 }, (_, i) => Buffer.alloc(200, (i * 37) % 256)),
    ];
    for (bytes of samples) await assert.rejects(client.call('Apply'));
    assert.deepEqual(actuator.calls, []);
    assert.deepEqual(await linkAs(responder).list(), []);
  });

  it('says that the agent is gone, and finds it again', async () => {
    const link = linkAs(responder);
    let nReturns = 0;
    link.onReturn(() => nReturns++);
    assert.equal((await link.apply([order('a1')]))[0]!.ok, true);
    const { port } = server;
    await server.close();
    const [gone] = await link.apply([order('a2')]);
    assert.ok(gone?.ok === false && gone.retry);
    assert.match(
      gone.reason,
      /^The agent at 127\.0\.0\.1:\d+ cannot be reached \(connect ECONNREFUSED /,
    );
    assert.equal(await link.list(), null);
    const before = nReturns;
    await listen(port);
    while (nReturns === before) await sleep(20);
    assert.deepEqual(await link.list(), ['a1']);
  });

  it('waits for a silent agent no longer than it was told', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const link = linkAs(responder, authority.ca, port);
    const begun = performance.now();
    const orders = Array.from({ length: 4096 }, (_, i) => order(`s-${i}`));
    const outcomes = await link.apply(orders);
    assert.ok(performance.now() - begun < 6000, 'once, not once for each of 8 parts');
    assert.equal(outcomes.length, 4096);
    assert.ok(outcomes.every((outcome) => !outcome.ok && outcome.retry));
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('refuses certificates that cannot be read, when the link is made', () => {
    assert.throws(() => linkAs({ ...responder, key: '/nowhere' }), {
      code: 'CONFIG_INVALID',
      message: /'key' \/nowhere cannot be read/,
    });
  });

  describe('with a responder', () => {
    let desk: Desk;
    const ID_OF = (): string => [...desk.responder.actions][0]!.record.id;
    const holder = () =>
      desk.record(ID_OF()).holders.find((one) => one.actuator === 'agent-north')!;

    async function until(holds: () => boolean): Promise<void> {
      while (!holds()) {
        await desk.pass(100);
        await sleep(10);
      }
    }

    beforeEach(async () => {
      const agent = new Agent({ name: 'north', link: linkAs(responder), kinds: null });
      desk = new Desk({ expiresByItself: true }, [agent]);
      await desk.start();
      desk.responder.setMode('auto');
    });
    afterEach(() => desk.remove());

    it('shows why it does not enforce, and tries again until it does', async () => {
      const { port } = server;
      await server.close();
      desk.responder.propose(proposalOf('1.1'));
      await until(() => holder().failures > 0);
      assert.match(holder().reason, /cannot be reached/);
      assert.equal(holder().state, 'applying');
      await listen(port);
      await until(() => holder().state === 'applied');
      assert.deepEqual(actuator.enforced, [ID_OF()]);
      assert.equal(holder().reason, '');
    });

    it('applies again at once what an agent that comes back has lost', async () => {
      desk.responder.propose(proposalOf('1.1'));
      await until(() => holder().state === 'applied');
      const { port } = server;
      await server.close();
      await actuator.panic();
      await listen(port);
      await until(() => actuator.enforced.length === 1);
      assert.match(desk.responder.desk.differences.join(), /agent-north did not enforce 1/);
    });

    it('takes back what the agent still enforces and should not', async () => {
      desk.responder.propose(proposalOf('1.1'));
      await until(() => holder().state === 'applied');
      const { port } = server;
      await server.close();
      desk.responder.rollBack(ID_OF(), 'ada', '');
      await until(() => holder().failures > 0);
      assert.equal(holder().state, 'undoing');
      assert.deepEqual(actuator.enforced, [ID_OF()]);
      await listen(port);
      await until(() => desk.record(ID_OF()).state === 'rolled_back');
      await settled();
      assert.deepEqual(actuator.enforced, []);
    });
  });
});
