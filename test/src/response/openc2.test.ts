import assert from 'node:assert/strict';
import { join } from 'node:path';

import { Openc2 } from '../../../src/response/actuators/openc2.js';
import { allDone, eachFolder, failure, Listener, order } from './support.js';

interface Command {
  readonly action: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A packet filter that understands deny and delete of SLPF. */
class Consumer {
  readonly rules = new Map<number, Command>();
  readonly commands: Command[] = [];
  status = 200;
  numbers = true;
  #next = 1;

  answer(body: string): { status: number; body: string } {
    const { body: message } = JSON.parse(body) as { body: { openc2: { request: Command } } };
    const command = message.openc2.request;
    this.commands.push(command);
    const response = this.status === 200 ? this.#obey(command) : { status: this.status };
    return { status: 200, body: JSON.stringify({ body: { openc2: { response } } }) };
  }

  #obey(command: Command): object {
    if (command.action === 'deny') {
      const rule = this.#next++;
      this.rules.set(rule, command);
      return { status: 200, results: this.numbers ? { slpf: { rule_number: rule } } : {} };
    }
    const rule = command.target['slpf:rule_number'] as number;
    return { status: this.rules.delete(rule) ? 200 : 404 };
  }
}

const isolate = order('a-1', { kind: 'isolate', host: '10.0.0.1' });

describe('Openc2', () => {
  const folder = eachFolder();
  let listener: Listener;
  let consumer: Consumer;
  let openc2: Openc2;
  const start = async (): Promise<Openc2> => {
    const url = `${await listener.start()}/.well-known/openc2`;
    const ledgerPath = join(folder(), 'rules.json');
    return new Openc2({
      url,
      token: 'token',
      timeoutMs: 5000,
      ledgerPath,
      kinds: null,
      nowMs: () => 7,
    });
  };
  beforeEach(async () => {
    listener = new Listener();
    consumer = new Consumer();
    listener.answer = ({ body }) => consumer.answer(body);
    openc2 = await start();
  });
  afterEach(() => listener.stop());

  it('denies with a time and deletes by number', async () => {
    allDone(await openc2.apply([isolate]));
    const [{ headers, body }] = listener.heard as [(typeof listener.heard)[0]];
    assert.equal(headers['content-type'], 'application/openc2+json;version=1.0');
    assert.equal(headers['authorization'], 'Bearer token');
    const message = JSON.parse(body);
    assert.equal(message.headers.created, 7);
    assert.equal(message.headers.request_id, message.body.openc2.request.command_id);
    assert.deepEqual(
      [...consumer.rules.values()].map(({ action, target, args }) => ({ action, target, args })),
      [
        {
          action: 'deny',
          target: { ipv4_net: '10.0.0.1/32' },
          args: {
            duration: 60_000,
            response_requested: 'complete',
            slpf: { drop_process: 'none', direction: 'both' },
          },
        },
      ],
    );
    assert.deepEqual(await openc2.list(), ['a-1']);
    assert.equal(await openc2.verify(isolate), null);
    allDone(await openc2.undo([isolate]));
    assert.equal(consumer.rules.size, 0);
    assert.deepEqual(await openc2.list(), []);
  });

  it('names edges by their connection, one for each protocol', async () => {
    const edge = { from: '2001:db8::1', to: '2001:db8::2', protocol: 'any', port: 53 } as const;
    allDone(await openc2.apply([order('a-1', { kind: 'block_edge', edge })]));
    const connection = { src_addr: '2001:db8::1/128', dst_addr: '2001:db8::2/128', dst_port: 53 };
    assert.deepEqual(
      [...consumer.rules.values()].map(({ target }) => target),
      ['tcp', 'udp'].map((protocol) => ({ ipv6_connection: { protocol, ...connection } })),
    );
    allDone([await openc2.panic()]);
    assert.equal(consumer.rules.size, 0);
  });

  it('replaces the rule when the time grows, and bears a rule that is gone', async () => {
    allDone(await openc2.apply([isolate]));
    allDone(await openc2.apply([{ ...isolate, ttlMs: 120_000 }]));
    assert.deepEqual(
      [...consumer.rules.values()].map(({ args }) => args['duration']),
      [120_000],
    );
    consumer.rules.clear();
    allDone(await openc2.undo([isolate]));
    assert.deepEqual(await openc2.list(), []);
  });

  const answers: readonly (readonly [number, boolean, RegExp])[] = [
    [500, true, /answered 500/],
    [401, false, /check the token/],
    [501, false, /does not know the command/],
  ];
  for (const [status, again, words] of answers) {
    it(`tells response ${status}`, async () => {
      consumer.status = status;
      const { reason, retry } = failure((await openc2.apply([isolate]))[0]);
      assert.match(reason, words);
      assert.equal(retry, again);
      assert.deepEqual(await openc2.list(), []);
    });
  }

  it('tells HTTP 500, and nobody there', async () => {
    listener.answer = () => ({ status: 500 });
    assert.match(failure((await openc2.apply([isolate]))[0]).reason, /HTTP 500/);
    listener.stop();
    assert.match(failure((await openc2.apply([isolate]))[0]).reason, /cannot be reached/);
  });

  it('refuses a consumer whose rules could not be taken back', async () => {
    consumer.numbers = false;
    const { reason, retry } = failure((await openc2.apply([isolate]))[0]);
    assert.match(reason, /no rule number/);
    assert.ok(!retry);
  });
});
