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
  /** What it says of a rule that is not there. */
  missing = 404;
  #next = 1;

  /** It obeys, and its answer is lost. */
  isMute = false;

  answer(body: string): { status: number; body: string } {
    const { body: message } = JSON.parse(body) as { body: { openc2: { request: Command } } };
    const command = message.openc2.request;
    this.commands.push(command);
    const response = this.status === 200 ? this.#obey(command) : { status: this.status };
    const status = this.isMute ? 0 : 200;
    return { status, body: JSON.stringify({ body: { openc2: { response } } }) };
  }

  #obey(command: Command): object {
    if (command.action === 'deny') {
      const rule = this.#next++;
      this.rules.set(rule, command);
      return { status: 200, results: this.numbers ? { slpf: { rule_number: rule } } : {} };
    }
    const rule = command.target['slpf:rule_number'] as number;
    return { status: this.rules.delete(rule) ? 200 : this.missing };
  }
}

const TIMEOUT_MS = 200;
const isolate = order('a-1', { kind: 'isolate', host: '10.0.0.1' });

describe('Openc2', () => {
  const folder = eachFolder();
  let listener: Listener;
  let consumer: Consumer;
  let openc2: Openc2;
  let nowMs: number;
  const start = async (): Promise<Openc2> => {
    const url = `${await listener.start()}/.well-known/openc2`;
    const ledgerPath = join(folder(), 'rules.json');
    return new Openc2({
      url,
      token: 'token',
      timeoutMs: TIMEOUT_MS,
      ledgerPath,
      kinds: null,
      nowMs: () => nowMs,
    });
  };
  beforeEach(async () => {
    listener = new Listener();
    consumer = new Consumer();
    nowMs = 7;
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

  it('takes for over what its own time has ended', async () => {
    allDone(await openc2.apply([isolate]));
    consumer.rules.clear();
    consumer.missing = 500;
    assert.match(failure((await openc2.undo([isolate]))[0]).reason, /answered 500/);
    nowMs += isolate.ttlMs + TIMEOUT_MS;
    allDone(await openc2.undo([isolate]));
    assert.deepEqual(await openc2.list(), []);
  });

  it('says that a rule may be there whose number a lost answer would have told', async () => {
    consumer.isMute = true;
    const { reason, retry } = failure((await openc2.apply([isolate]))[0]);
    assert.match(reason, /no answer within 200 ms/);
    assert.ok(retry);
    consumer.isMute = false;
    nowMs += 1000;
    allDone(await openc2.apply([{ ...isolate, ttlMs: 30_000 }]));
    assert.equal(consumer.rules.size, 2);
    const undone = failure((await openc2.undo([isolate]))[0]);
    assert.match(
      undone.reason,
      /may be in force until 1970-01-01T00:01:00.207Z: take it out there/,
    );
    assert.ok(undone.retry);
    assert.deepEqual([...consumer.rules.keys()], [1], 'the one with a number is gone');
    assert.deepEqual(await openc2.list(), ['a-1']);
    nowMs = isolate.ttlMs + TIMEOUT_MS + 7;
    allDone(await openc2.undo([isolate]));
    assert.deepEqual(await openc2.list(), []);
  });

  it('withdraws all others in a panic when one cannot be', async () => {
    consumer.isMute = true;
    failure((await openc2.apply([isolate]))[0]);
    consumer.isMute = false;
    allDone(await openc2.apply([order('a-2', { kind: 'isolate', host: '10.0.0.2' })]));
    assert.match(failure(await openc2.panic()).reason, /may be in force until/);
    assert.deepEqual(await openc2.list(), ['a-1']);
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
    assert.deepEqual(await openc2.list(), ['a-1'], 'it may have got to the consumer');
    nowMs += isolate.ttlMs + TIMEOUT_MS;
    allDone(await openc2.undo([isolate]));
    listener.stop();
    assert.match(failure((await openc2.apply([isolate]))[0]).reason, /cannot be reached/);
    assert.deepEqual(await openc2.list(), [], 'nobody has heard it');
  });

  it('refuses a consumer whose rules could not be taken back', async () => {
    consumer.numbers = false;
    const { reason, retry } = failure((await openc2.apply([isolate]))[0]);
    assert.match(reason, /no rule number/);
    assert.ok(!retry);
  });
});
