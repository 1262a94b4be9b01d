import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import {
  createReadStream,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { MORNING_US, addressScan, writePcap } from '../src/support/captures.js';
import { outcomeOf, startThymus } from '../src/support/thymus.js';
import { Namespace, whyNoSender } from './support/namespace.js';
import { orSkip } from './support/needs.js';

const SENDER = fileURLToPath(new URL('support/send_frames.js', import.meta.url));
const PCAPS = fileURLToPath(new URL('../../../pcaps', import.meta.url));
/** 30 of them show a leak; a part of one only that nothing breaks. */
const MINUTES = Number(process.env['THYMUS_SOAK_MINUTES'] ?? 0.3);
const MINUTES_FOR_SLOPE = 10;
const SLOPE_MOST_PER_10_MINUTES = 0.01;
const SAMPLE_MS = 2000;
/** The same again and again: what is kept of each is bounded, and there are few. */
const ATTACKERS = 20;

interface Sample {
  readonly atMs: number;
  readonly anonymousBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

describe(`thymus watch for ${MINUTES} minutes`, function () {
  this.timeout((MINUTES + 2) * 60_000);
  let namespace: Namespace;
  let folder: string | null = null;
  const at = (name: string): string => join(folder!, name);

  before(function () {
    namespace = orSkip(this, whyNoSender() ?? Namespace.make());
    folder = mkdtempSync(join(tmpdir(), 'thymus-soak-'));
    for (const name of readdirSync(PCAPS).filter((file) => file.endsWith('.pcap.gz'))) {
      writeFileSync(at(name.replace('.gz', '')), gunzipSync(readFileSync(join(PCAPS, name))));
    }
  });

  after(() => {
    if (folder === null) return;
    namespace.remove();
    rmSync(folder, { recursive: true });
  });

  it('keeps its memory, descriptors and threads, and loses no count', async () => {
    const child = startThymus(
      ['watch', 'far', '--no-store', '--state', at('state'), '--eve', at('eve.json'), '-q'],
      { wrapper: namespace.wrapper },
    );
    const outcome = outcomeOf(child);
    await namespace.heard('far');
    const samples = await disturb(child);
    child.kill('SIGTERM');
    const { code, err } = await outcome;
    assert.equal(code, 0, err);
    checkResources(samples);
    await checkCounts();
  });

  /** Traffic, attacks, SIGHUPs and flaps, one after another, and what the process uses meanwhile. */
  async function disturb(child: ChildProcess): Promise<Sample[]> {
    const endMs = performance.now() + MINUTES * 60_000;
    const captures = readdirSync(folder!).filter((name) => name.endsWith('.pcap'));
    const samples: Sample[] = [];
    for (let round = 0; performance.now() < endMs; round++) {
      send(at(captures[round % captures.length]!));
      send(writePcap(at('scan'), addressScan(`10.0.9.${1 + (round % ATTACKERS)}`, 60, MORNING_US)));
      if (round % 3 === 1) child.kill('SIGHUP');
      if (round % 5 === 2) {
        namespace.ip('link', 'set', 'far', 'down');
        namespace.ip('link', 'set', 'far', 'up');
      }
      if (round % 11 === 7) {
        namespace.unplug();
        namespace.plug();
        await namespace.heard('far');
      }
      await sleep(SAMPLE_MS);
      samples.push(sampleOf(child.pid!));
    }
    return samples;
  }

  function send(path: string): void {
    execFileSync('ip', ['netns', 'exec', namespace.name, process.execPath, SENDER, 'near', path], {
      stdio: 'ignore',
    });
  }

  async function checkCounts(): Promise<void> {
    let counted = 0;
    let stats: EveStats | undefined;
    for await (const line of createInterface({ input: createReadStream(at('eve.json')) })) {
      const event = JSON.parse(line) as EveEvent;
      counted += (event.flow?.pkts_toserver ?? 0) + (event.flow?.pkts_toclient ?? 0);
      stats = event.stats ?? stats;
    }
    const { kernel_frames: frames, kernel_drops: drops, ...own } = stats!.thymus.counters;
    assert.equal(stats!.decoder.pkts, frames! - drops! - own['unread_frames']!);
    assert.equal(counted + own['non_ip_frames']! + own['unrecorded_packets']!, stats!.decoder.pkts);
  }
});

interface EveStats {
  readonly decoder: { readonly pkts: number };
  readonly thymus: { readonly counters: Readonly<Record<string, number>> };
}

interface EveEvent {
  readonly flow?: { readonly pkts_toserver: number; readonly pkts_toclient: number };
  readonly stats?: EveStats;
}

function sampleOf(pid: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name: string): number =>
    Number(new RegExp(`${name}:\\s*(\\d+)`).exec(status)?.[1]);
  return {
    atMs: performance.now(),
    anonymousBytes: number('RssAnon') * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: number('Threads'),
  };
}

function checkResources(samples: readonly Sample[]): void {
  const settled = samples.slice(Math.floor(samples.length / 3));
  const half = Math.floor(settled.length / 2);
  for (const what of ['descriptors', 'threads'] as const) {
    const least = (part: readonly Sample[]): number => Math.min(...part.map((one) => one[what]));
    assert.ok(least(settled.slice(half)) <= least(settled.slice(0, half)), `${what} leak`);
  }
  if (MINUTES < MINUTES_FOR_SLOPE) return;
  const share = slopePer10Minutes(lowest(settled));
  console.log(`      memory grows by ${(100 * share).toFixed(2)} % in 10 minutes`);
  assert.ok(share <= SLOPE_MOST_PER_10_MINUTES, `memory grows by ${100 * share} % in 10 minutes`);
}

/** The least of each minute: what is left when garbage was collected. */
function lowest(samples: readonly Sample[]): Sample[] {
  const ofMinute = new Map<number, Sample>();
  for (const sample of samples) {
    const minute = Math.floor(sample.atMs / 60_000);
    const least = ofMinute.get(minute);
    if (least === undefined || sample.anonymousBytes < least.anonymousBytes) {
      ofMinute.set(minute, sample);
    }
  }
  return [...ofMinute.values()];
}

/** Least squares, as a share of the mean. */
function slopePer10Minutes(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = samples.map(({ atMs }) => atMs / 600_000);
  const y = samples.map(({ anonymousBytes }) => anonymousBytes);
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  return covariance / mean(x.map((value) => (value - mx) ** 2)) / my;
}
