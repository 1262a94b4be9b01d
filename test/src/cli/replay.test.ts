import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  MORNING_US,
  addressScan,
  conversation,
  inOrder,
  pcap,
  writePcap,
  type Packet,
} from '../support/captures.js';
import { eveEvents, outcomeOf, present, startThymus, thymus } from '../support/thymus.js';

const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };
const SCANNER = '10.0.0.9';
const TALK = conversation(ENDS, MORNING_US);
const SCAN = inOrder(TALK, addressScan(SCANNER, 60, MORNING_US));

describe('thymus replay', function () {
  this.timeout(20_000);
  let folder: string;
  let talk: string;
  let scan: string;
  const at = (name: string): string => join(folder, name);
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(at(name), bytes);
    return at(name);
  };
  /** Replays without a store and gives the EVE events with what the process said. */
  const eveOf = async (
    files: readonly string[],
    ...flags: string[]
  ): Promise<{ code: number | null; err: string; events: Record<string, unknown>[] }> => {
    const path = at('out.eve.json');
    rmSync(path, { force: true });
    const args = ['replay', '--no-store', '--quiet', '--eve', path, ...flags, ...files];
    const { code, err } = await thymus(args);
    return { code, err, events: eveEvents(readFileSync(path, 'utf8')) };
  };
  const ofType = (events: Record<string, unknown>[], type: string): Record<string, unknown>[] =>
    events.filter((event) => event['event_type'] === type);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-replay-'));
    talk = writePcap(at('talk.pcap'), TALK);
    scan = writePcap(at('scan.pcap'), SCAN);
  });
  after(() => rmSync(folder, { recursive: true }));

  describe('what it finds', () => {
    it('reports a scan with its originator, and nothing in a conversation', async () => {
      const found = await thymus(['replay', '--no-store', scan]);
      assert.equal(found.code, 0);
      assert.match(found.out, /1 incident/);
      assert.match(found.out, new RegExp(`${SCANNER}.*address scan`));
      assert.equal(found.err, '');
      const quiet = await thymus(['replay', '--no-store', talk]);
      assert.equal(quiet.code, 0);
      assert.match(quiet.out, /No incident/);
    });

    it('writes flows and incidents as EVE, one JSON object a line', async () => {
      const { code, events } = await eveOf([scan]);
      assert.equal(code, 0);
      assert.equal(ofType(events, 'flow').length, 61);
      const [incident, ...more] = ofType(events, 'incident');
      assert.equal(more.length, 0);
      assert.equal(incident?.['src_ip'], SCANNER);
      assert.equal(events.at(-1)?.['event_type'], 'stats');
    });

    it('writes the packets of an incident as a capture in which it is found again', async () => {
      const evidence = at('evidence');
      const { code, err } = await eveOf([scan], '--evidence-pcap', evidence);
      assert.equal(code, 0, err);
      assert.deepEqual(readdirSync(evidence), ['1.pcap']);
      const { events } = await eveOf([join(evidence, '1.pcap')]);
      assert.equal(ofType(events, 'incident')[0]?.['src_ip'], SCANNER);
      const flows = ofType(events, 'flow');
      assert.ok(flows.every((flow) => flow['src_ip'] === SCANNER));
    });

    it('keeps a run that incidents and explain can read', async () => {
      const state = ['--state', at('state')];
      assert.equal((await thymus(['replay', ...state, scan])).code, 0);
      const listed = await thymus(['incidents', ...state]);
      assert.equal(listed.code, 0);
      assert.match(listed.out, new RegExp(SCANNER));
      const explained = await thymus(['explain', '1', ...state]);
      assert.equal(explained.code, 0);
      assert.match(explained.out, /1:[A-Za-z0-9+/]{27}=/);
      const absent = await thymus(['explain', '7', ...state]);
      assert.equal(absent.code, 2);
      assert.match(absent.err, /^thymus: Run \S+ has no incident '7'.*\.\n$/);
    });

    it('gives incidents as JSON lines', async () => {
      const { out } = await thymus(['replay', '--no-store', '--json', scan]);
      assert.deepEqual(
        eveEvents(out).map((event) => event['event_type']),
        ['incident'],
      );
    });

    it('writes verdicts, flows and metrics beside each other', async () => {
      const [verdicts, flows, metrics] = ['v.pb', 'f.csv', 'm.json'].map(at);
      const outputs = ['--verdicts', verdicts!, '--flows', flows!, '--metrics', metrics!];
      assert.equal((await thymus(['replay', '--no-store', ...outputs, scan])).code, 0);
      assert.ok(readFileSync(verdicts!).length > 0);
      assert.equal(readFileSync(flows!, 'utf8').trim().split('\n').length, 62);
      const cost = JSON.parse(readFileSync(metrics!, 'utf8')) as Record<string, number>;
      assert.equal(cost['packets'], SCAN.length);
      assert.ok(cost['cpu_s']! > 0);
    });
  });

  describe('how it reads', () => {
    it('takes several files as one stream in time order', async () => {
      const [first, second] = [TALK.slice(0, 4), TALK.slice(4)];
      const files = [writePcap(at('2.pcap'), second), writePcap(at('1.pcap'), first)];
      const { events } = await eveOf(files);
      assert.equal(ofType(events, 'flow').length, 1);
    });

    it('takes each file as a run of its own with --each', async () => {
      const flags = ['--quiet', '--eve-dir', at('each'), '--state', at('unused')];
      assert.equal((await thymus(['replay', '--each', ...flags, talk, scan, talk])).code, 0);
      assert.deepEqual(
        readdirSync(at('each')).sort(),
        [0, 1, 2].map((i) => `${i}.eve.json`),
      );
      const [first, , third] = [0, 1, 2].map((i) => readFileSync(at(`each/${i}.eve.json`), 'utf8'));
      assert.equal(first, third);
      assert.deepEqual(readdirSync(at('unused')), ['identity.key'], 'runs of --each are not kept');
    });

    it('reads gzip, and standard input', async () => {
      const plain = (await eveOf([scan])).events;
      const packed = (await eveOf([file('scan.pcap.gz', gzipSync(readFileSync(scan)))])).events;
      assert.deepEqual(packed, plain);
      const args = ['replay', '--no-store', '--quiet', '--eve', '-', '-'];
      const piped = await thymus(args, { input: readFileSync(scan) });
      assert.deepEqual(eveEvents(piped.out), plain);
    });

    it('says the same whatever lanes and shards, on every run', async () => {
      const many = inOrder(
        ...Array.from({ length: 8 }, (_, i) =>
          addressScan(`10.0.3.${i}`, 40, MORNING_US + i * 7e6),
        ),
        ...Array.from({ length: 40 }, (_, i) =>
          conversation({ ...ENDS, from: `10.0.2.${i}` }, MORNING_US + i * 1e6),
        ),
      );
      const capture = writePcap(at('many.pcap'), many);
      const outputs = new Set<string>();
      for (const lanes of [1, 2]) {
        for (const shards of [1, 2, 3]) {
          const threads = ['--lanes', String(lanes), '--shards', String(shards)];
          const args = ['replay', '--no-store', '--quiet', '--eve', '-', ...threads, capture];
          outputs.add((await thymus(args)).out);
        }
      }
      assert.equal(outputs.size, 1);
      assert.ok(ofType(eveEvents([...outputs][0]!), 'incident').length >= 1);
    });
  });

  describe('bad input', () => {
    const damaged: [what: string, packets: Buffer, flows: number][] = [
      ['a packet cut in its middle', pcap(TALK).subarray(0, -20), 1],
      ['a record header cut short', Buffer.concat([pcap(TALK), Buffer.alloc(7)]), 1],
      ['an absurd length', Buffer.concat([pcap(TALK), Buffer.alloc(16, 0xff)]), 1],
    ];
    for (const [what, bytes, flows] of damaged) {
      it(`keeps everything before ${what}`, async () => {
        const { code, events } = await eveOf([file('damaged.pcap', bytes)]);
        assert.equal(code, 0);
        assert.equal(ofType(events, 'flow').length, flows);
        assert.equal(ofType(events, 'capture_error').length, 1);
      });
    }

    for (const [what, make] of [
      ['no capture', () => file('text.pcap', Buffer.from('this is a text, and a long one too'))],
      ['empty', () => file('empty.pcap', Buffer.alloc(0))],
      ['cut in its header', () => file('cut.pcap', pcap([]).subarray(0, 11))],
      ['a directory', () => folder],
      ['not there', () => at('absent.pcap')],
    ] as [string, () => string][]) {
      it(`names a file that is ${what}, and runs the others`, async () => {
        const bad = make();
        const { code, err, events } = await eveOf([bad, talk]);
        assert.equal(code, 2);
        assert.match(err, /^thymus: .*\.\n$/);
        assert.equal(err.trim().split('\n').length, 1);
        assert.ok(err.includes(bad));
        assert.equal(ofType(events, 'flow').length, 1);
      });
    }

    it('runs the others of --each, too', async () => {
      const args = ['--each', '--quiet', '--eve-dir', at('some'), at('absent.pcap'), talk];
      const { code, err } = await thymus(['replay', ...args]);
      assert.equal(code, 2);
      assert.match(err, /absent\.pcap/);
      assert.equal(
        ofType(eveEvents(readFileSync(at('some/1.eve.json'), 'utf8')), 'flow').length,
        1,
      );
    });

    it('counts an unknown link type as an anomaly', async () => {
      const { code, events } = await eveOf([file('dlt.pcap', pcap(TALK, { linkType: 147 }))]);
      assert.equal(code, 0);
      assert.ok(ofType(events, 'anomaly').length > 0);
    });

    it('reads what the snap length left', async () => {
      const { code, events } = await eveOf([file('snap.pcap', pcap(TALK, { snaplen: 54 }))]);
      assert.equal(code, 0);
      assert.equal(ofType(events, 'flow').length, 1);
      assert.equal(ofType(events, 'capture_error').length, 0);
    });

    it('survives a clock that runs backwards and one that jumps years', async () => {
      const shifted = (byUs: number): Packet[] =>
        conversation({ ...ENDS, fromPort: 41_000 }, MORNING_US + byUs);
      for (const byUs of [-3600e6, 10 * 365 * 86_400e6]) {
        const path = file('clock.pcap', pcap([...TALK, ...shifted(byUs), ...TALK]));
        const { code, events } = await eveOf([path]);
        assert.equal(code, 0);
        assert.ok(ofType(events, 'flow').length >= 2);
      }
    });
  });

  describe('outputs that fail', () => {
    it('says in one sentence that the disk is full', async () => {
      const { code, err } = await thymus(['replay', '--no-store', '--eve', '/dev/full', scan]);
      assert.equal(code, 1);
      assert.equal(
        err,
        'thymus: Cannot write /dev/full: the disk is full; free some space and run again.\n',
      );
    });

    it('says in one sentence that a directory is missing', async () => {
      const { code, err } = await thymus(['replay', '--no-store', '--eve', at('no/such/x'), scan]);
      assert.equal(code, 1);
      assert.match(err, /^thymus: Cannot write .*no\/such\/x: .*\.\n$/);
    });

    it('is quiet when the reader of its output goes away', async () => {
      const child = startThymus(['replay', '--no-store', '--quiet', '--eve', '-', scan]);
      child.stdout!.destroy();
      const errors = outcomeOf(child).catch(() => undefined);
      const [code] = (await once(child, 'exit')) as [number];
      assert.equal(code, 0);
      await errors;
    });
  });

  describe('--respond', () => {
    const modesOf = async (...args: string[]): Promise<unknown[]> => {
      const { code, out, err } = await thymus([
        'replay',
        '--no-store',
        '--quiet',
        '--eve',
        '-',
        ...args,
      ]);
      assert.deepEqual([code, err], [0, '']);
      return eveEvents(out).flatMap(({ incident }) => {
        const { proposals = [] } = (incident ?? {}) as { proposals?: { mode: unknown }[] };
        return proposals.map(({ mode }) => mode);
      });
    };

    it('takes a file behind it for a file, and the mode from the settings', async () => {
      for (const args of [
        ['--respond', scan],
        [scan, '--respond'],
        ['--respond', '--', scan],
      ]) {
        assert.deepEqual(new Set(await modesOf(...args)), new Set(['recommend']), args.join(' '));
      }
    });

    it('takes a mode behind it for the mode', async () => {
      for (const args of [
        ['--respond', 'auto', scan],
        [`--respond=auto`, scan],
      ]) {
        assert.deepEqual(new Set(await modesOf(...args)), new Set(['auto']), args.join(' '));
      }
    });

    it('refuses modes that are none', async () => {
      const { code, err } = await thymus(['replay', '--respond=king', scan]);
      assert.equal(code, 2);
      assert.match(err, /observe, recommend, guarded, auto/);
    });
  });

  describe('wrong usage', () => {
    for (const [args, sentence] of [
      [['--no-such-flag', 'x'], /Unknown option '--no-such-flag'.*see 'thymus replay --help'\./],
      [[], /Missing required argument 'file'/],
      [['--lanes', '0', 'x'], /'--lanes' must be a whole number from 1 to 64, not "0"\./],
      [['--rules', 'r.rules', 'x'], /'--rules' is reserved for Suricata rules/],
      [['--eve-dir', 'd', 'x'], /add '--each'/],
      [['--each', '--eve', 'f', 'x'], /use '--eve-dir DIR'/],
      [['--flows', 'f.xlsx', 'x'], /must end in \.csv, \.jsonl or \.parquet/],
      [['-', '-'], /can be read only once/],
      [['--evidence-pcap', 'd', '-'], /reads captures twice/],
      [['--config', '/no/such.yaml', 'x'], /\/no\/such\.yaml cannot be read/],
    ] as [string[], RegExp][]) {
      it(`refuses replay ${args.join(' ')}`, async () => {
        const { code, out, err } = await thymus(['replay', '--no-store', ...args]);
        assert.equal(code, 2);
        assert.equal(out, '');
        assert.match(err, sentence);
        assert.equal(err.trim().split('\n').length, 1);
      });
    }
  });

  describe('interruption', () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`writes what was found when ${signal} comes, and exits with 130`, async () => {
        const path = at('interrupted.eve.json');
        const child = startThymus(['replay', '--no-store', '--eve', path, '-']);
        const outcome = outcomeOf(child);
        child.stdin!.write(pcap(SCAN));
        await present(path);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        child.kill(signal);
        const { code, out } = await outcome;
        assert.equal(code, 130);
        assert.match(out, /Stopped before the end of the input/);
        assert.ok(ofType(eveEvents(readFileSync(path, 'utf8')), 'flow').length > 0);
      });
    }

    it('ends when the pipe has not said anything yet', async () => {
      const path = at('silent.eve.json');
      const child = startThymus(['replay', '--no-store', '--eve', path, '-']);
      const outcome = outcomeOf(child);
      await present(path);
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.kill('SIGINT');
      assert.equal((await outcome).code, 130);
    });
  });

  it('works where no state directory can be made', async () => {
    mkdirSync(at('home'));
    writeFileSync(at('home/.local'), 'in the way');
    const env = { HOME: at('home'), XDG_STATE_HOME: '' };
    const { code, out, err } = await thymus(['replay', scan], { env });
    assert.equal(code, 0);
    assert.match(err, /This run is not kept/);
    assert.match(out, /1 incident/);
  });
});
