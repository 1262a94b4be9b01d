import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  MORNING_US,
  addressScan,
  conversation,
  inOrder,
  udpFrame,
  writePcap,
  type Packet,
} from '../src/support/captures.js';
import { readModel } from '../../src/store/model_file.js';
import {
  eveEvents,
  outcomeOf,
  present,
  startThymus,
  thymus,
  type Outcome,
} from '../src/support/thymus.js';
import { Namespace, whyNoSender } from './support/namespace.js';
import { orSkip } from './support/needs.js';

const SENDER = fileURLToPath(new URL('support/send_frames.js', import.meta.url));
const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };
const TALK = conversation(ENDS, MORNING_US);
const SCAN = inOrder(TALK, addressScan('10.0.0.9', 60, MORNING_US));

interface FlowCounts {
  readonly pkts_toserver: number;
  readonly pkts_toclient: number;
}

interface Stats {
  readonly decoder: { readonly pkts: number };
  readonly thymus: { readonly counters: Readonly<Record<string, number>> };
}

describe('thymus watch', function () {
  this.timeout(60_000);
  let namespace: Namespace;
  let folder: string | null = null;
  let capture: string;
  const at = (name: string): string => join(folder!, name);

  before(function () {
    namespace = orSkip(this, whyNoSender() ?? Namespace.make());
    folder = mkdtempSync(join(tmpdir(), 'thymus-watch-'));
    capture = at('scan.pcap');
    writePcap(capture, SCAN);
  });

  after(() => {
    if (folder === null) return;
    namespace.remove();
    rmSync(folder, { recursive: true });
  });

  /** Watches until the EVE file is there and the interface heard, does something, then ends it. */
  async function watch(
    args: readonly string[],
    meanwhile: (child: ChildProcess) => Promise<void> | void,
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ outcome: Outcome; events: Record<string, unknown>[] }> {
    const eve = at('watch.eve.json');
    rmSync(eve, { force: true });
    const child = startThymus(['watch', ...args, '--no-store', '--eve', eve], {
      wrapper: namespace.wrapper,
    });
    const outcome = outcomeOf(child);
    await present(eve);
    await namespace.heard('far', 'lo');
    await meanwhile(child);
    // Frames wait up to 8 ms in the ring, and for a processor where others have it.
    await sleep(1000);
    child.kill(signal);
    return { outcome: await outcome, events: eveEvents(readFileSync(eve, 'utf8')) };
  }

  const send = (path: string): void => {
    namespace.run(process.execPath, SENDER, 'near', path);
  };

  it('sees what a replay of the same frames sees, and tells of the incident', async () => {
    const { outcome, events } = await watch(['far'], () => send(capture));
    assert.equal(outcome.code, 0, outcome.err);
    assert.match(outcome.out, /10\.0\.0\.9/);
    const replayed = at('replay.eve.json');
    await thymus(['replay', '--no-store', '--eve', replayed, capture]);
    assert.deepEqual(flowsOf(events), flowsOf(eveEvents(readFileSync(replayed, 'utf8'))));
    assert.ok(events.some((event) => event['event_type'] === 'incident'));
  });

  it('counts every frame as read or lost', async () => {
    const { events } = await watch(['far'], () => send(capture));
    const { decoder, thymus: own } = statsOf(events);
    const { kernel_frames: frames, kernel_drops: drops, unread_frames: unread } = own.counters;
    assert.equal(frames, SCAN.length);
    assert.equal(decoder.pkts, frames - drops! - unread!);
  });

  it('sees the same through libpcap, with a filter, and when the interface comes back', async () => {
    const args = ['far', '--source', 'libpcap', '--filter', 'tcp'];
    const { outcome, events } = await watch(args, async () => {
      send(capture);
      await sleep(500);
      namespace.unplug();
      namespace.plug();
      await namespace.heard('far');
      send(capture);
    });
    assert.equal(outcome.code, 0, outcome.err);
    const { decoder, thymus: own } = statsOf(events);
    assert.equal(decoder.pkts, 2 * SCAN.length);
    assert.equal(own.counters['interface_reopens'], 1);
  });

  it('takes only what the filter lets through', async () => {
    const { events } = await watch(['far', '--filter', 'tcp port 80'], () => send(capture));
    const flows = events.filter((event) => event['event_type'] === 'flow');
    assert.ok(flows.length > 0);
    for (const flow of flows) assert.equal(flow['dest_port'], 80);
  });

  it('goes on when the interface goes down, away, and comes back', async () => {
    const { outcome, events } = await watch(['far'], async () => {
      send(capture);
      namespace.ip('link', 'set', 'far', 'down');
      await sleep(500);
      namespace.ip('link', 'set', 'far', 'up');
      send(capture);
      namespace.unplug();
      await sleep(500);
      namespace.plug();
      await namespace.heard('far');
      send(capture);
    });
    assert.equal(outcome.code, 0, outcome.err);
    const { decoder, thymus: own } = statsOf(events);
    assert.equal(decoder.pkts, 3 * SCAN.length);
    assert.equal(own.counters['interface_reopens'], 1);
    assert.ok(own.counters['interface_downs']! >= 2);
  });

  it('leaves out inspection first when frames come too fast, and loses no count', async () => {
    const requests = at('requests.pcap');
    writePcap(requests, datagrams(6000));
    const { events } = await watch(['far', '--ring-mib', '4'], async (child) => {
      // A program that stands still is slower than any traffic.
      child.kill('SIGSTOP');
      send(requests);
      child.kill('SIGCONT');
      await sleep(500);
    });
    const { decoder, thymus: own } = statsOf(events);
    const { kernel_frames: frames, kernel_drops: drops, unread_frames: unread } = own.counters;
    assert.ok(own.counters['uninspected_flows']! > 0);
    assert.equal(decoder.pkts, frames! - drops! - unread!);
    const counted = events
      .map((event) => event['flow'] as FlowCounts | undefined)
      .reduce((sum, flow) => sum + (flow?.pkts_toserver ?? 0) + (flow?.pkts_toclient ?? 0), 0);
    assert.equal(counted, decoder.pkts);
  });

  it('keeps the packets of an incident, also those before the verdict', async () => {
    const evidence = at('evidence');
    const { outcome } = await watch(['far', '--evidence-pcap', evidence], () => send(capture));
    assert.equal(outcome.code, 0, outcome.err);
    const { out } = await thymus(['replay', '--no-store', '--json', join(evidence, '1.pcap')]);
    const [incident] = eveEvents(out);
    assert.equal(incident?.['src_ip'], '10.0.0.9');
  });

  it('takes each frame of the loopback interface once', async () => {
    const { events } = await watch(['lo'], () => {
      namespace.run('bash', '-c', 'for i in 1 2 3; do echo > /dev/udp/127.0.0.1/9; done');
    });
    // Three datagrams and, since nobody listens there, an ICMP error for each.
    assert.equal(statsOf(events).decoder.pkts, 6);
  });

  it('goes on from what it has learned before, and keeps it', async () => {
    const model = at('far.model');
    for (let run = 0; run < 2; run++) {
      const { outcome } = await watch(['far', '--model', model], () => send(capture));
      assert.equal(outcome.code, 0, outcome.err);
    }
    const { lessons } = readModel(model).about;
    assert.deepEqual(
      lessons.map((lesson) => lesson.sources),
      [['far'], ['far']],
    );
    assert.ok(lessons[0]!.untilUs < lessons[1]!.fromUs);
  });

  it('goes on in a new file after SIGHUP', async () => {
    const eve = at('moved.eve.json');
    const child = startThymus(['watch', 'far', '--no-store', '--eve', eve], {
      wrapper: namespace.wrapper,
    });
    const outcome = outcomeOf(child);
    await present(eve);
    await sleep(500);
    renameSync(eve, at('old.eve.json'));
    child.kill('SIGHUP');
    await present(eve);
    child.kill('SIGTERM');
    assert.equal((await outcome).code, 0);
    assert.equal(eveEvents(readFileSync(eve, 'utf8')).at(-1)?.['event_type'], 'stats');
  });

  it('exits with 130 when SIGINT comes', async () => {
    const { outcome } = await watch(['far'], () => undefined, 'SIGINT');
    assert.equal(outcome.code, 130);
  });

  it('says in one sentence what it cannot watch', async () => {
    const options = { wrapper: namespace.wrapper };
    const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [['watch', 'none*'], /No interface fits 'none\*'/],
      [['watch', 'far', '--filter', 'prot 1'], /filter 'prot 1' cannot be used: .*\./],
    ];
    for (const [args, says] of cases) {
      const { code, err } = await thymus([...args, '--no-store', '-q'], options);
      assert.equal(code, 2);
      assert.match(err, says);
      assert.equal(err.trim().split('\n').length, 1);
    }
  });
});

function statsOf(events: readonly Record<string, unknown>[]): Stats {
  return events.at(-1)!['stats'] as Stats;
}

/** So many flows of one datagram. */
function datagrams(n: number): Packet[] {
  return Array.from({ length: n }, (_, i) => ({
    timeUs: MORNING_US + i,
    frame: udpFrame({ ...ENDS, fromPort: 1024 + i }, new Uint8Array(300).fill(65)),
  }));
}

/** Who talked to whom, and how much: all of a flow that does not depend on when. */
function flowsOf(events: readonly Record<string, unknown>[]): unknown[] {
  return events
    .filter((event) => event['event_type'] === 'flow')
    .map((event) => {
      const flow = event['flow'] as Record<string, unknown>;
      return `${String(event['community_id'])} ${String(flow['pkts_toserver'])} ${String(flow['pkts_toclient'])}`;
    })
    .sort();
}
