// How long it takes from the packet that decides until the packet filter drops, through the whole
// of a live run: `npm run bench:containment`. See bench/README.md.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Proposal } from '../../src/domain/action.js';
import { takeApart, type DecisionEntry } from '../../src/store/decision_line.js';
import { lockOwner } from '../../src/store/process_lock.js';
import { responseFiles } from '../../src/store/response_files.js';
import {
  ACTING_CONFIG,
  CLIENT,
  GatewayNet,
  PORT,
  SERVER,
} from '../../test/live/support/gateway_net.js';
import { outcomeOf, startThymus, thymus } from '../../test/src/support/thymus.js';

const trials = Number(process.argv[2] ?? 200);
/** Addresses of the server are 10.77.2.11 and further. */
const MOST_TRIALS = 240;
/** What the last flood may take. */
const LAST_MS = 2000;
const FLOOD = ['-q', '-n', '-S', '--rand-source', '-p', String(PORT), '-i', 'u400', '-c', '800'];

if (!(trials > 0 && trials <= MOST_TRIALS)) fail(`the number of trials is 1 to ${MOST_TRIALS}`);
if (spawnSync('hping3', ['--version']).error !== undefined) fail('install hping3');
const made = await GatewayNet.make();
if (typeof made === 'string') fail(made);
const net = made;
const folder = mkdtempSync(join(tmpdir(), 'thymus-containment-'));
try {
  await main();
} finally {
  const owner = lockOwner(responseFiles(folder).lock);
  if (owner !== null) process.kill(owner.pid, 'SIGKILL');
  net.remove();
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  const victims = Array.from({ length: trials }, (_, i) => `10.77.2.${11 + i}`);
  net.addServers(victims);
  writeFileSync(join(folder, 'thymus.yaml'), ACTING_CONFIG);
  const own = ['--state', folder, '--config', join(folder, 'thymus.yaml')];
  const watch = startThymus(['watch', 'lan1', '--no-store', '-q', '--respond', ...own], {
    wrapper: net.wrapper,
  });
  const outcome = outcomeOf(watch);
  while ((await thymus(['actions', '--state', folder])).code !== 0);
  for (const victim of [SERVER, ...victims]) await net.reaches(CLIENT, victim, PORT);
  const [ip, ...args] = net.clientWrapper;
  for (const victim of victims) spawnSync(ip, [...args, 'hping3', ...FLOOD, victim]);
  await sleep(LAST_MS);
  watch.kill('SIGTERM');
  await outcome;
  report();
}

interface LogEntry extends Omit<DecisionEntry, 'data'> {
  readonly data?: { readonly proposal?: Proposal; readonly state?: string };
}

/** From the moments in the decision log, whose resolution is a millisecond. */
function report(): void {
  const entries = readFileSync(responseFiles(folder).log, 'utf8')
    .split('\n')
    .flatMap((line) => takeApart(line)?.body ?? [])
    .map((body) => JSON.parse(body) as LogEntry);
  const decided = new Map<string, number>();
  const took: number[] = [];
  for (const { kind, at, action, data } of entries) {
    if (action === undefined) continue;
    if (kind === 'proposal') {
      // An incident's later proposals are about what is known by then.
      const isFirst = data?.proposal?.id.endsWith('.1') ?? false;
      if (isFirst) decided.set(action, data!.proposal!.decidedUs / 1000);
    }
    const from = decided.get(action);
    const isActive = kind === 'state' && data?.state === 'active';
    if (isActive && from !== undefined) took.push(Date.parse(at) - from);
  }
  took.sort((a, b) => a - b);
  const figure = (share: number): string => took[Math.floor(share * (took.length - 1))]!.toFixed(0);
  console.log(
    `${took.length} of ${trials} floods limited without a person; ms from the packet that decides ` +
      `to the answer of nft: p50 ${figure(0.5)}, p99 ${figure(0.99)}, longest ${figure(1)}`,
  );
}

function fail(why: string): never {
  console.error(`bench:containment: ${why}`);
  process.exit(2);
}
