import assert from 'node:assert/strict';

import type { Edge, Measure } from '../../../src/domain/action.js';
import { failed, refused } from '../../../src/response/actuators/outcome.js';
import { TcpReset } from '../../../src/response/actuators/tcp_reset.js';
import { allDone, failure, order } from './support.js';
import { Desk, settled } from './support/desk.js';
import { InjectorDouble } from './support/injector_double.js';
import { proposalOf } from './support/proposals.js';

const HOST = '10.0.0.5';
const OUTSIDE = '2001:db8::9';
const isolate = (host = HOST): Measure => ({ kind: 'isolate', host });
const block = (changes: Partial<Edge> = {}): Measure => ({
  kind: 'block_edge',
  edge: { from: HOST, to: '10.0.0.9', protocol: 'tcp', port: 445, ...changes },
});

describe('TcpReset', () => {
  let injector: InjectorDouble;
  let actuator: TcpReset;
  let notes: string[];
  const start = (kinds: readonly string[] | null = null): TcpReset =>
    new TcpReset({
      injector: { tap: 'tap0', out: 'eth0', nextHop: null, resetsPerSecond: 1000 },
      open: injector.open,
      kinds,
      onNote: (sentence) => notes.push(sentence),
    });
  beforeEach(() => {
    injector = new InjectorDouble();
    notes = [];
    actuator = start();
  });

  it('handles what it can end: hosts, outside addresses, edges that may be TCP, patterns', () => {
    assert.ok(actuator.handles(isolate()));
    assert.ok(actuator.handles({ kind: 'block_external', address: OUTSIDE }));
    assert.ok(actuator.handles(block()));
    assert.ok(actuator.handles(block({ protocol: 'any', port: null })));
    assert.equal(actuator.handles(block({ protocol: 'udp' })), false);
    assert.equal(actuator.handles({ kind: 'rate_limit', host: HOST, bytesPerSecond: 1 }), false);
    assert.equal(actuator.handles({ kind: 'sinkhole', domain: 'a.example' }), false);
    assert.equal(start(['isolate']).handles(block()), false);
  });

  it('does not say that what it holds ends without it', () => {
    assert.equal(actuator.expiresByItself, false);
  });

  it('hears a tap only while something is in force', async () => {
    assert.equal(injector.isOpen, false);
    const orders = [order('a1', isolate()), order('a2', block())];
    allDone(await actuator.apply(orders));
    assert.ok(injector.isOpen);
    assert.deepEqual(injector.targets, [
      { host: HOST, peer: null, peerPort: null, spared: [] },
      { host: HOST, peer: '10.0.0.9', peerPort: 445, spared: [] },
    ]);
    assert.deepEqual(await actuator.list(), ['a1', 'a2']);
    allDone(await actuator.undo([orders[0]!]));
    assert.deepEqual(injector.targets, [
      { host: HOST, peer: '10.0.0.9', peerPort: 445, spared: [] },
    ]);
    allDone(await actuator.undo([orders[1]!]));
    assert.equal(injector.isOpen, false);
    assert.deepEqual(await actuator.list(), []);
    assert.match(notes.join(), /3 segments were answered with 6 resets; 2 were left/);
  });

  it('takes what is applied twice and undone twice', async () => {
    const one = order('a1', isolate());
    allDone(await actuator.apply([one]));
    allDone(await actuator.apply([one]));
    assert.equal(injector.targets.length, 1);
    allDone(await actuator.undo([one]));
    allDone(await actuator.undo([one]));
    assert.equal(notes.length, 1);
  });

  it('verifies that it listens, and that no connection goes on', async () => {
    const one = order('a1', isolate());
    assert.equal(await actuator.verify(one), false);
    allDone(await actuator.apply([one, order('a2', isolate('10.0.0.6'))]));
    assert.equal(await actuator.verify(one), true);
    injector.outlived.add(HOST);
    assert.equal(await actuator.verify(one), false);
    assert.equal(await actuator.verify(order('a2', isolate('10.0.0.6'))), true);
    injector.isListening = false;
    assert.equal(await actuator.verify(order('a2', isolate('10.0.0.6'))), false);
  });

  it('passes on why a tap cannot be heard', async () => {
    injector.answer = refused('Interface tap0 may not be heard: give it CAP_NET_RAW.');
    const [outcome] = await actuator.apply([order('a1', isolate())]);
    assert.match(failure(outcome).reason, /CAP_NET_RAW/);
    assert.equal(failure(outcome).retry, false);
    assert.deepEqual(await actuator.list(), []);
  });

  it('holds nothing new that the kernel did not take', async () => {
    allDone(await actuator.apply([order('a1', isolate())]));
    injector.answer = failed('The kernel refuses the filter.');
    const [outcome] = await actuator.apply([order('a2', block())]);
    assert.equal(failure(outcome).retry, true);
    assert.deepEqual(await actuator.list(), ['a1']);
  });

  it('refuses what is no address, and more than fit', async () => {
    const prefix = order('a1', isolate('10.0.0.0/8'));
    assert.match(failure((await actuator.apply([prefix]))[0]).reason, /no address/);
    const mixed = order('a2', block({ to: OUTSIDE }));
    assert.match(failure((await actuator.apply([mixed]))[0]).reason, /different IP versions/);
    const late = order('a3', isolate(), 0);
    assert.match(failure((await actuator.apply([late]))[0]).reason, /time is over/);
    assert.equal(injector.isOpen, false);
    const many = Array.from({ length: 513 }, (_, i) =>
      order(`b${i}`, isolate(`10.1.${i >> 8}.${i & 255}`)),
    );
    const outcomes = await actuator.apply(many);
    allDone(outcomes.slice(0, 512));
    assert.match(failure(outcomes[512]).reason, /512 targets/);
  });

  it('holds a host to what it normally has', async () => {
    const edge = (port: number, protocol: Edge['protocol'] = 'tcp'): Edge => ({
      from: HOST,
      to: '10.0.0.9',
      protocol,
      port,
    });
    const edges = [edge(443), edge(53, 'udp'), edge(88, 'any')];
    const hold: Measure = { kind: 'hold_pattern', host: HOST, edges };
    assert.ok(actuator.handles(hold));
    allDone(await actuator.apply([order('a1', hold)]));
    const spared = [443, 88].map((port) => ({ from: HOST, to: '10.0.0.9', port }));
    assert.deepEqual(injector.targets, [{ host: HOST, peer: null, peerPort: null, spared }]);
    assert.match(actuator.plan([order('a1', hold)]), /TCP of 10\.0\.0\.5 but for 2 edges/);
    const many = Array.from({ length: 257 }, (_, i) => edge(i + 1));
    const [outcome] = await actuator.apply([order('a2', { ...hold, edges: many })]);
    assert.match(failure(outcome).reason, /257 edges is too large/);
    const wrong = { ...hold, edges: [{ ...edge(1), to: OUTSIDE }] };
    assert.match(failure((await actuator.apply([order('a3', wrong)]))[0]).reason, /IP versions/);
  });

  it('leaves nothing in a panic and at its end', async () => {
    allDone(await actuator.apply([order('a1', isolate())]));
    allDone([await actuator.panic()]);
    assert.equal(injector.isOpen, false);
    assert.deepEqual(await actuator.list(), []);
    allDone(await actuator.apply([order('a1', isolate())]));
    await actuator.close();
    assert.equal(injector.isOpen, false);
  });

  it('holds again after a crash what the journal holds, and nothing when the responder ends', async () => {
    const desk = new Desk({}, [actuator]);
    try {
      await desk.start();
      desk.responder.setMode('auto');
      const { id } = desk.responder.propose(proposalOf('p1'));
      await settled();
      assert.deepEqual(await actuator.list(), [id]);
      // What a process holds dies with it.
      await actuator.close();
      await desk.restart();
      await settled();
      assert.deepEqual(await actuator.list(), [id]);
      assert.deepEqual(injector.targets, [
        { host: '203.0.113.7', peer: null, peerPort: null, spared: [] },
      ]);
      await desk.responder.stop();
      assert.equal(injector.isOpen, false);
      assert.equal(desk.record(id).state, 'rolled_back');
    } finally {
      desk.remove();
    }
  });

  it('plans in words', () => {
    const orders = [order('a1', isolate()), order('a2', block()), order('a3', isolate('x'))];
    assert.equal(
      actuator.plan(orders),
      [
        'reset TCP of 10.0.0.5, seen on tap0, sent over eth0',
        'reset TCP of 10.0.0.5 with 10.0.0.9 port 445, seen on tap0, sent over eth0',
        "# a3: 'x' is no address (or two of different IP versions): resets need single addresses.",
      ].join('\n'),
    );
  });
});
