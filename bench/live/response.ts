// How long it takes until the packet filter drops, in network namespaces with real packets:
// `npm run bench:response`. See bench/README.md.
import { Nftables } from '../../src/response/actuators/nftables.js';
import type { Order } from '../../src/response/actuators/actuator.js';
import { CLIENT, GatewayNet, SERVER } from '../../test/live/support/gateway_net.js';

const trials = Number(process.argv[2] ?? 300);
const many = 100_000;

const made = await GatewayNet.make();
if (typeof made === 'string') {
  console.error(`bench:response: ${made}`);
  process.exit(2);
}
const net = made;
const nftables = new Nftables({
  command: [...net.wrapper, 'nft'],
  hook: { at: 'prerouting', devices: [] },
});
try {
  await main();
} finally {
  await nftables.panic();
  await nftables.close();
  net.remove();
}

async function main(): Promise<void> {
  await nftables.list();
  await once(isolate('warm', CLIENT));
  await latencies('empty table');
  const orders = Array.from({ length: many }, (_, i) =>
    isolate(`many-${i}`, `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  );
  const before = process.cpuUsage();
  const begun = performance.now();
  const outcomes = await nftables.apply(orders);
  const tookMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(before);
  if (!outcomes.every(({ ok }) => ok)) throw new Error('not all of them were applied');
  console.log(
    `${many} addresses in one transaction: ${tookMs.toFixed(0)} ms, ` +
      `${((user + system) / 1000).toFixed(0)} ms of CPU in this process beside nft`,
  );
  await latencies(`table of ${many}`);
  await dropping();
}

/** From the call of `apply` to its answer. */
async function latencies(title: string): Promise<void> {
  const apply: number[] = [];
  const undo: number[] = [];
  for (let i = 0; i < trials; i++) {
    const order = isolate(`one-${i}`, `12.0.${i >> 8}.${i & 255}`);
    const begun = performance.now();
    await done(nftables.apply([order]));
    const applied = performance.now();
    await done(nftables.undo([order]));
    apply.push(applied - begun);
    undo.push(performance.now() - applied);
  }
  console.log(`${title}: apply ${words(apply)}; undo ${words(undo)}`);
}

/** Whether the first probe after the answer is really dropped. */
async function dropping(): Promise<void> {
  let leaked = 0;
  const rounds = Math.min(trials, 50);
  for (let i = 0; i < rounds; i++) {
    const order = isolate(`drop-${i}`, CLIENT);
    await done(nftables.apply([order]));
    const probe = { how: 'udp', from: CLIENT, to: SERVER, port: 7, waitMs: 20 } as const;
    leaked += await net.probe(probe);
    await done(nftables.undo([order]));
  }
  console.log(`probes sent right after the answer that came through: ${leaked} of ${rounds}`);
}

async function once(order: Order): Promise<void> {
  await done(nftables.apply([order]));
  await done(nftables.undo([order]));
}

async function done(outcomes: ReturnType<Nftables['apply']>): Promise<void> {
  for (const outcome of await outcomes) if (!outcome.ok) throw new Error(outcome.reason);
}

function isolate(id: string, host: string): Order {
  return { id, measure: { kind: 'isolate', host }, ttlMs: 600_000 };
}

function words(samples: readonly number[]): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms (${sorted.length})`;
}
