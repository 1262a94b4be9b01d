import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { Measure } from '../../src/domain/action.js';
import type { Order } from '../../src/response/actuators/actuator.js';
import { Flag, tcpFrame, writePcap } from '../src/support/captures.js';
import { startThymus } from '../src/support/thymus.js';
import { whyNoSender } from './support/namespace.js';
import {
  CLIENT,
  CLIENT_6,
  OTHER_CLIENT,
  OTHER_CLIENT_6,
  OTHER_PORT,
  PORT,
  SERVER,
  SERVER_6,
  TapNet,
  type Said,
  type Talker,
} from './support/tap_net.js';
import { until } from './support/until.js';

const SENDER = fileURLToPath(new URL('support/send_frames.js', import.meta.url));
/** What has to happen has happened by then, also where others have the processor. */
const PATIENCE_MS = 15_000;
/** How a reset looks; null where another call of the process has taken the error. */
const RESET = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', null];

/** The same frame with an 802.1Q tag. */
function inVlan(frame: Uint8Array, id: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, 0, id]), frame.subarray(12)]);
}

const order = (id: string, measure: Measure): Order => ({ id, measure, ttlMs: 60_000 });

describe('tcp_reset with real packets', function () {
  this.timeout(60_000);
  let net: TapNet;
  let client: Talker;
  let server: Talker;
  let resetter: Talker;
  let calls = 0;

  before(async function () {
    const made = TapNet.make();
    if (typeof made === 'string') {
      console.log(`skipped: ${made}`);
      this.skip();
    }
    net = made;
    server = await net.start('server', 'tap_server.js');
    client = await net.start('client', 'tap_client.js');
    resetter = await net.start('tap', 'tap_resetter.js');
  });
  after(() => (net as TapNet | undefined)?.remove());
  afterEach(async () => {
    client.tell({ ask: 'hang up', id: '' });
    await act('panic', []);
  });

  async function act(verb: string, orders: readonly Order[]): Promise<unknown> {
    const id = `act${calls++}`;
    resetter.tell({ id, verb, orders });
    return (await resetter.heard((said) => said.id === id)).answer;
  }

  async function done(verb: 'apply' | 'undo', one: Order): Promise<void> {
    assert.deepEqual(await act(verb, [one]), [{ ok: true }]);
  }

  /** Begins a connection. @returns its name */
  function call(from: string, to: string, port: number): string {
    const id = `call${calls++}`;
    client.tell({ id, from, to, port });
    return id;
  }

  const event = (id: string, ...names: string[]): Promise<Said> =>
    client.heard((said) => said.id === id && names.includes(said.event));

  async function opened(from: string, to: string, port: number): Promise<string> {
    const id = call(from, to, port);
    assert.equal((await event(id, 'open', 'ended')).event, 'open', `${from} to ${to}`);
    return id;
  }

  async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
    const late = sleep(PATIENCE_MS, null, { ref: false }).then(() =>
      assert.fail(`${what} in time`),
    );
    return Promise.race([promise, late]);
  }

  /** Waits for the end that a reset makes. */
  async function isReset(id: string): Promise<void> {
    const { code } = await inTime(event(id, 'ended'), `${id} ended`);
    assert.ok(RESET.includes(code!), String(code));
  }

  async function received(id: string): Promise<number> {
    const ask = `bytes${calls++}`;
    client.tell({ ask, id });
    return (await event(id, ask)).bytes!;
  }

  async function goesOn(id: string): Promise<void> {
    const before = await received(id);
    await until({
      look: async () => (await received(id)) > before,
      seen: () => Promise.resolve(`${id} does not go on`),
      withinMs: PATIENCE_MS,
    });
  }

  for (const [name, from, other, to] of [
    ['IPv4', CLIENT, OTHER_CLIENT, SERVER],
    ['IPv6', CLIENT_6, OTHER_CLIENT_6, SERVER_6],
  ] as const) {
    it(`ends what runs over ${name} and what begins, of the isolated host alone`, async () => {
      const download = await opened(from, to, PORT);
      const chat = await opened(from, to, OTHER_PORT);
      const others = [await opened(other, to, PORT), await opened(other, to, OTHER_PORT)];
      for (const id of [download, chat, ...others]) await goesOn(id);
      const isolate = order('a1', { kind: 'isolate', host: from });
      await done('apply', isolate);
      await isReset(download);
      await isReset(chat);
      const fresh = call(from, to, OTHER_PORT);
      await isReset(fresh);
      for (const id of others) await goesOn(id);
      await goesOn(await opened(other, to, OTHER_PORT));
      assert.equal(await act('verify', [isolate]), true);
      await done('undo', isolate);
      await goesOn(await opened(from, to, OTHER_PORT));
      await goesOn(await opened(from, to, PORT));
    });
  }

  it('tells the server, too', async () => {
    const { port } = await event(await opened(CLIENT, SERVER, OTHER_PORT), 'open');
    await done('apply', order('a1', { kind: 'isolate', host: CLIENT }));
    const { code } = await inTime(
      server.heard((said) => said.event === 'ended' && said.port === port),
      'the server heard',
    );
    assert.ok(RESET.includes(code!), String(code));
  });

  it('ends one service of one host', async () => {
    const kept = await opened(CLIENT, SERVER, PORT);
    const ended = await opened(CLIENT, SERVER, OTHER_PORT);
    const edge = { from: CLIENT, to: SERVER, protocol: 'tcp', port: OTHER_PORT } as const;
    await done('apply', order('a1', { kind: 'block_edge', edge }));
    await isReset(ended);
    await isReset(call(CLIENT, SERVER, OTHER_PORT));
    await goesOn(kept);
    await goesOn(await opened(OTHER_CLIENT, SERVER, OTHER_PORT));
  });

  it('holds a host to its pattern of life', async () => {
    const edge = { from: CLIENT, to: SERVER, protocol: 'tcp', port: PORT } as const;
    const kept = await opened(CLIENT, SERVER, PORT);
    const ended = await opened(CLIENT, SERVER, OTHER_PORT);
    await done('apply', order('a1', { kind: 'hold_pattern', host: CLIENT, edges: [edge] }));
    await isReset(ended);
    await goesOn(kept);
    await goesOn(await opened(CLIENT, SERVER, PORT));
  });

  it('answers inside the VLAN of a segment', async function () {
    const whyNot = whyNoSender();
    if (whyNot !== null || spawnSync('tcpdump', ['--version']).error !== undefined) {
      console.log(`skipped: ${whyNot ?? "the program 'tcpdump' is missing"}`);
      this.skip();
    }
    const path = join(mkdtempSync(join(tmpdir(), 'thymus-reset-')), 'syn.pcap');
    const ends = { from: CLIENT, to: SERVER, fromPort: 40_000, toPort: 80 };
    const syn = tcpFrame(ends, { flags: Flag.SYN, seq: 1000, ack: 0 });
    writePcap(path, [{ timeUs: 0, frame: inVlan(syn, 7) }]);
    await done('apply', order('a1', { kind: 'isolate', host: CLIENT }));
    const [program, ...words] = net.wrapper('client');
    const filter = 'vlan 7 and tcp[tcpflags] & tcp-rst != 0';
    const args = [...words, 'tcpdump', '-i', 'eth0', '-enlc', '2', filter];
    const dump = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const heard = text(dump.stdout);
    await once(dump.stderr, 'data');
    spawnSync(program, [...words, process.execPath, SENDER, 'eth0', path]);
    const lines = await inTime(heard, 'both resets came');
    rmSync(dirname(path), { recursive: true });
    assert.match(
      lines,
      /vlan 7, .*10\.78\.0\.9\.80 > 10\.78\.0\.2\.40000: Flags \[R\.\], .*ack 1001/,
    );
    assert.match(lines, /vlan 7, .*10\.78\.0\.2\.40000 > 10\.78\.0\.9\.80: Flags \[R\], seq 1001/);
  });

  it('goes on when the tap was away', async () => {
    const isolate = order('a1', { kind: 'isolate', host: CLIENT });
    await done('apply', isolate);
    net.unplugTap();
    assert.equal(await act('verify', [isolate]), false);
    const meanwhile = await opened(CLIENT, SERVER, OTHER_PORT);
    await goesOn(meanwhile);
    net.plugTap();
    // It looks once a second.
    await isReset(meanwhile);
    assert.equal(await act('verify', [isolate]), true);
  });

  it('says so when connections go on all the same', async function () {
    const script =
      'add table inet deaf; add chain inet deaf in { type filter hook input priority 0 ; }; ' +
      'add rule inet deaf in tcp flags & rst == rst drop';
    const nft = (place: 'client' | 'server', ...words: readonly string[]) => {
      const [program, ...args] = [...net.wrapper(place), 'nft', ...words];
      return spawnSync(program, args);
    };
    if (nft('client', script).status !== 0 || nft('server', script).status !== 0) {
      console.log("skipped: the program 'nft' is missing: install nftables");
      this.skip();
    }
    const isolate = order('a1', { kind: 'isolate', host: CLIENT });
    const deaf = await opened(CLIENT, SERVER, OTHER_PORT);
    await done('apply', isolate);
    assert.equal(await act('verify', [isolate]), true);
    await until({
      look: async () => !(await act('verify', [isolate])),
      seen: () => Promise.resolve('what no reset has ended counts as done'),
      withinMs: PATIENCE_MS,
    });
    await goesOn(deaf);
    for (const place of ['client', 'server'] as const) nft(place, 'delete table inet deaf');
    await isReset(deaf);
  });

  it('is told of by the responder at its start where it may not hear', async function () {
    if (spawnSync('setpriv', ['--version']).error !== undefined) {
      console.log("skipped: the program 'setpriv' is missing: install util-linux");
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'thymus-reset-'));
    const config = join(folder, 'thymus.yaml');
    writeFileSync(config, 'actuators: [{ kind: tcp_reset, interface: eth0 }]\n');
    const drop = ['setpriv', '--inh-caps', '-net_raw', '--bounding-set', '-net_raw'];
    for (const [wrapper, words] of [
      [[...net.wrapper('tap'), ...drop], /interface 'eth0': .*CAP_NET_RAW\.[^]*\(tcp_reset\)/],
      [net.wrapper('tap'), /^thymus: the responder is ready \(tcp_reset\)/],
    ] as const) {
      const child = startThymus(['respond', '--config', config, '--state', folder], { wrapper });
      let said = '';
      child.stderr!.on('data', (chunk) => {
        said += String(chunk);
        if (said.includes('is ready')) child.kill('SIGTERM');
      });
      await once(child, 'close');
      assert.match(said, words);
    }
    rmSync(folder, { recursive: true });
  });

  it('leaves nothing when its process dies', async () => {
    const isolate = order('a1', { kind: 'isolate', host: CLIENT });
    await done('apply', isolate);
    await isReset(call(CLIENT, SERVER, OTHER_PORT));
    resetter.kill();
    await goesOn(await opened(CLIENT, SERVER, OTHER_PORT));
    resetter = await net.start('tap', 'tap_resetter.js');
  });
});
