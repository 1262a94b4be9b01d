import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentLink } from '../../../src/response/actuators/agent.js';
import { openActuators } from '../../../src/response/actuators/open.js';
import { ACTUATORS_SCHEMA } from '../../../src/response/actuators/settings.js';
import { eachFolder } from './support.js';

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
      ]),
      connect,
    );
    const names = ['nftables', 'command', 'webhook', 'rpz', 'gobgp', 'exabgp', 'openc2'];
    names.push('agent-north');
    assert.deepEqual(
      actuators.map(({ name }) => name),
      names,
    );
    for (const actuator of actuators) await actuator.close();
  });

  it('refuses a secret that is missing or short', () => {
    const secret = join(folder(), 'secret');
    const settings = [{ kind: 'webhook', url: 'https://127.0.0.1/x', secret_file: secret }];
    const open = () => openActuators(ACTUATORS_SCHEMA.parse(settings), connect);
    assert.throws(open, { code: 'CONFIG_INVALID', message: /cannot be read/ });
    writeFileSync(secret, 'short');
    assert.throws(open, { code: 'CONFIG_INVALID', message: /too short/ });
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
