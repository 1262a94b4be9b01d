import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentLink } from '../../../src/response/actuators/agent.js';
import {
  openActuators,
  preflightActuators,
  type ActuatorParts,
} from '../../../src/response/actuators/open.js';
import { ACTUATORS_SCHEMA } from '../../../src/response/actuators/settings.js';
import { eachFolder } from './support.js';
import { InjectorDouble } from './support/injector_double.js';

const whyNot = (...settings: readonly unknown[]): string => {
  const { error } = ACTUATORS_SCHEMA.safeParse(settings);
  return error?.issues.map(({ message }) => message).join('; ') ?? 'accepted';
};

const link = (place: string): AgentLink => ({
  place,
  apply: () => Promise.resolve([]),
  undo: () => Promise.resolve([]),
  verify: () => Promise.resolve(null),
  list: () => Promise.resolve(null),
  panic: () => Promise.resolve({ ok: true }),
  onReturn: () => undefined,
  close: () => Promise.resolve(),
});
const connect = ({ host, port }: { host: string; port: number }) => link(`${host}:${port}`);
const AGENT = {
  kind: 'agent',
  name: 'north',
  host: 'gw',
  port: 9466,
  ca: 'a',
  cert: 'c',
  key: 'k',
};
const PARTS: ActuatorParts = {
  connectAgent: connect,
  openInjector: () => ({ ok: false, reason: 'There is no tap here.', retry: false }),
  onNote: () => null,
};

describe('openActuators', () => {
  const folder = eachFolder();
  const mark = { mark: '64512:28025', ledger: '/tmp/routes.json' };

  it('opens each kind with its defaults and starts nothing', async () => {
    const secret = join(folder(), 'secret');
    writeFileSync(secret, 'at least sixteen characters\n');
    const actuators = openActuators(
      ACTUATORS_SCHEMA.parse([
        { kind: 'nftables' },
        { kind: 'command', program: ['/nowhere/block'] },
        { kind: 'webhook', url: 'https://127.0.0.1/x', secret_file: secret },
        { kind: 'rpz', path: join(folder(), 'zone'), answer: '192.0.2.1' },
        { kind: 'gobgp', ...mark },
        { kind: 'exabgp', ...mark },
        { kind: 'openc2', url: 'https://127.0.0.1/x', ledger: '/tmp/rules.json' },
        AGENT,
        { kind: 'tcp_reset', interface: 'eth1' },
      ]),
      PARTS,
    );
    const names = [
      'nftables',
      'command',
      'webhook',
      'rpz',
      'gobgp',
      'exabgp',
      'openc2',
      'agent-north',
      'tcp_reset',
    ];
    assert.deepEqual(
      actuators.map(({ name }) => name),
      names,
    );
    for (const actuator of actuators) await actuator.close();
  });

  it('refuses a secret that is missing or short', () => {
    const secret = join(folder(), 'secret');
    const settings = [{ kind: 'webhook', url: 'https://127.0.0.1/x', secret_file: secret }];
    const open = () => openActuators(ACTUATORS_SCHEMA.parse(settings), PARTS);
    assert.throws(open, { code: 'CONFIG_INVALID', message: /cannot be read/ });
    writeFileSync(secret, 'short');
    assert.throws(open, { code: 'CONFIG_INVALID', message: /too short/ });
  });
});

describe('preflightActuators', () => {
  const settings = ACTUATORS_SCHEMA.parse([
    { kind: 'nftables' },
    { kind: 'tcp_reset', interface: 'eth1', out: 'eth0', next_hop: '02:00:00:0a:00:ff' },
  ]);

  it('says what would fail', () => {
    assert.deepEqual(preflightActuators(settings, PARTS), ['There is no tap here.']);
  });

  it('says nothing of what works, and leaves nothing open', () => {
    const injector = new InjectorDouble();
    const openInjector = injector.open;
    assert.deepEqual(preflightActuators(settings, { ...PARTS, openInjector }), []);
    assert.equal(injector.isOpen, false);
    assert.deepEqual(injector.options, {
      tap: 'eth1',
      out: 'eth0',
      nextHop: Buffer.from([2, 0, 0, 10, 0, 255]),
      resetsPerSecond: 1000,
    });
  });
});

describe('ACTUATORS_SCHEMA', () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ kind: 'nftables', at: 'ingress' }, /needs at least one/],
    [{ kind: 'nftables', devices: ['eth0'] }, /belongs to 'at: ingress'/],
    [
      { kind: 'nftables', at: 'ingress', devices: ['x; flush ruleset'] },
      /names of network interfaces/,
    ],
    [{ kind: 'command', program: [] }, /a program and its arguments/],
    [{ kind: 'webhook', url: 'file:///etc/passwd', secret_file: 'x' }, /http or https/],
    [{ kind: 'gobgp', ledger: 'x', mark: '70000:1' }, /up to 65535/],
    [{ kind: 'nftables', unknown: 1 }, /unknown/],
    [{ ...AGENT, name: 'North 1' }, /0-9, a-z and -/],
    [{ ...AGENT, port: 0 }, /must be a port/],
    [{ ...AGENT, key: undefined }, /expected string/],
    [{ kind: 'tcp_reset' }, /interface|expected string/],
    [{ kind: 'tcp_reset', interface: 'eth1; rm' }, /name of a network interface/],
    [{ kind: 'tcp_reset', interface: 'eth1', next_hop: 'router' }, /hardware address/],
    [{ kind: 'tcp_reset', interface: 'eth1', most_per_second: 1 }, /must be resets per second/],
  ];
  for (const [settings, words] of cases) {
    it(`refuses ${JSON.stringify(settings)}`, () => assert.match(whyNot(settings), words));
  }

  it('takes each kind once', () => {
    assert.match(whyNot({ kind: 'nftables' }, { kind: 'nftables' }), /one 'nftables' only/);
    assert.equal(whyNot({ kind: 'nftables' }, { kind: 'rpz', path: 'x' }), 'accepted');
  });

  it('takes many agents, each name once', () => {
    assert.equal(whyNot(AGENT, { ...AGENT, name: 'south' }), 'accepted');
    assert.match(whyNot(AGENT, { ...AGENT, host: 'other' }), /one 'agent north' only/);
  });
});
