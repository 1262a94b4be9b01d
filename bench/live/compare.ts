// What a live run loses and how fast it speaks, on a cable inside a network namespace:
// `npm run bench:live`. See bench/README.md.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveStatus } from '../../src/engine/pipeline.js';
import { Namespace } from '../../test/live/support/namespace.js';
import { floodTrace, fewFlows, largeFrames, scanTrace } from './traces.js';

const SENDER = 'build/tests/packet_sender';
const BIN = 'bin/thymus';
const SETTLE_MS = 1500;

interface Sent {
  readonly sent: number;
  readonly seconds: number;
}

interface Measured {
  readonly program: string;
  readonly sent: number;
  readonly perSecond: number;
  readonly seen: number;
  readonly dropped: number;
}

const namespace = Namespace.make();
if (typeof namespace === 'string') {
  console.error(`bench:live: ${namespace}`);
  process.exit(2);
}
const cable = namespace;
const folder = mkdtempSync(join(tmpdir(), 'thymus-live-'));
try {
  await main();
} finally {
  cable.remove();
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  mkdirSync('build/traces', { recursive: true });
  const runs = Number(process.argv[2] ?? 3);
  await lossTable(
    '64-byte packets of 1,000 flows',
    fewFlows(join(folder, 'few.pcap')),
    60,
    5000,
    runs,
  );
  await lossTable('1,500-byte packets', largeFrames(join(folder, 'large.pcap')), 1514, 2000, runs);
  const scans = await latencies(scanTrace(join(folder, 'scans.pcap'), 100));
  console.log(`port scan, packet or timer to verdict: ${words(scans)}`);
  const floods = await latencies(floodTrace(join(folder, 'floods.pcap'), 30));
  console.log(`flood, sketch of 100 ms to verdict: ${words(floods)}`);
}

async function lossTable(
  title: string,
  trace: string,
  frameBytes: number,
  repeat: number,
  runs: number,
): Promise<void> {
  console.log(`\n${title}`);
  for (let run = 0; run < runs; run++) {
    for (const measure of [tcpdump, watch]) {
      const { program, sent, perSecond, seen, dropped } = await measure(trace, repeat);
      const gigabits = (perSecond * frameBytes * 8) / 1e9;
      console.log(
        `${program.padEnd(8)} sent ${sent} at ${Math.round(perSecond)}/s (${gigabits.toFixed(2)} Gbit/s): ` +
          `seen ${seen}, dropped ${dropped} (${((100 * dropped) / sent).toFixed(3)} %), ` +
          (seen + dropped === sent ? 'sums agree' : `sums differ by ${sent - seen - dropped}`),
      );
    }
  }
}

async function tcpdump(trace: string, repeat: number): Promise<Measured> {
  const child = inside('tcpdump', '-i', 'far', '-B', '65536', '-w', '/dev/null');
  const errors = text(child.stderr!);
  await cable.heard('far');
  const sent = send(trace, '--repeat', String(repeat));
  await sleep(SETTLE_MS);
  child.kill('SIGINT');
  const said = await errors;
  const number = (what: string): number =>
    Number(new RegExp(`(\\d+) packets ${what}`).exec(said)?.[1]);
  return result('tcpdump', sent, number('captured'), number('dropped by kernel'));
}

async function watch(trace: string, repeat: number): Promise<Measured> {
  const eve = join(folder, 'eve.json');
  rmSync(eve, { force: true });
  const child = startWatch('--eve', eve);
  await cable.heard('far');
  const sent = send(trace, '--repeat', String(repeat));
  await sleep(SETTLE_MS);
  child.kill('SIGTERM');
  await once(child, 'close');
  let seen = 0;
  let dropped = 0;
  for (const line of readFileSync(eve, 'utf8').split('\n')) {
    if (line === '') continue;
    const event = JSON.parse(line) as EveEvent;
    if (event.flow !== undefined) seen += event.flow.pkts_toserver + event.flow.pkts_toclient;
    dropped += event.stats?.thymus.counters['kernel_drops'] ?? 0;
  }
  return result('thymus', sent, seen, dropped);
}

interface EveEvent {
  readonly flow?: { readonly pkts_toserver: number; readonly pkts_toclient: number };
  readonly stats?: { readonly thymus: { readonly counters: Readonly<Record<string, number>> } };
}

function result(program: string, { sent, seconds }: Sent, seen: number, dropped: number): Measured {
  return { program, sent, perSecond: sent / seconds, seen, dropped };
}

/** Sends attacks at their own pace, and asks the run how long its verdicts took. */
async function latencies(trace: string): Promise<LiveStatus['latency']> {
  const state = join(folder, 'state');
  const child = startWatch('--state', state);
  await cable.heard('far');
  send(trace, '--pace');
  await sleep(5000);
  const stats = [BIN, 'stats', '--json', '--state', state];
  const said = execFileSync(process.execPath, stats, { encoding: 'utf8' });
  const { latency } = JSON.parse(said) as LiveStatus;
  child.kill('SIGTERM');
  await once(child, 'close');
  return latency;
}

function words(latency: LiveStatus['latency']): string {
  return Object.entries(latency)
    .map(
      ([stage, { count, p50, p99, most }]) =>
        `${stage} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, most ${most.toFixed(1)} ms (${count})`,
    )
    .join('; ');
}

function startWatch(...args: readonly string[]): ChildProcess {
  return inside(
    process.execPath,
    BIN,
    'watch',
    'far',
    '--no-store',
    '-q',
    '--ring-mib',
    '256',
    ...args,
  );
}

function inside(...command: readonly string[]): ChildProcess {
  const [program, ...args] = [...cable.wrapper, ...command];
  return spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function send(trace: string, ...how: readonly string[]): Sent {
  return JSON.parse(cable.run(SENDER, 'near', trace, ...how)) as Sent;
}
