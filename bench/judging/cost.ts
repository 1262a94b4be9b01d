/*
 * What judging costs, by detector: CPU a record and memory a device, on records that are built for
 * it.
 *
 *   npm run bench -- cost [--devices N] [--minutes N] [--runs N]
 *
 *   --devices  of the office whose memory is measured (100000)
 *   --minutes  that it is watched for (10); each device makes four records a minute
 *   --runs     of 2,000 devices for an hour, of which the times are medians (5)
 */
import { Session, type Profiler } from 'node:inspector';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BatchView } from '../../src/batch/batch_view.js';
import { createDetectors } from '../../src/detectors/index.js';
import { ShardPipeline } from '../../src/engine/shard_pipeline.js';
import { keyOfDevice, Office } from './office.js';

const TIMED = { devices: 2000, minutes: 60 };
const SAMPLE_US = 250;
const SEED = 1;
/** Slots of an entity: its wealth, then those of the detectors. */
const DETECTORS = createDetectors(1).map(({ name }) => name);
const SLOTS = ['wealth', ...DETECTORS];
const ALL = 'all, CPU';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== 'cost'),
  options: {
    devices: { type: 'string', default: '100000' },
    minutes: { type: 'string', default: '10' },
    runs: { type: 'string', default: '5' },
  },
});
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Microseconds a record of each detector, and of what is none, in one run. */
type Times = Map<string, number>;

const runs: Times[] = [];
// The first run compiles.
for (let i = 0; i <= Number(values.runs); i++) {
  const times = await timesOf();
  if (i > 0) runs.push(times);
}
const memory = memoryOf(Number(values.devices), Number(values.minutes));
print(runs, memory);

/** CPU microseconds a record, those of helping threads among them. */
function watch(pipeline: ShardPipeline, devices: number, minutes: number): number {
  let records = 0;
  let us = 0;
  for (const batch of new Office(devices, SEED).minutes(minutes)) {
    const view = new BatchView(batch.bytes);
    view.open(0, batch.bytes.length);
    const begun = process.cpuUsage();
    pipeline.process(view);
    const { user, system } = process.cpuUsage(begun);
    us += user + system;
    records += batch.records;
  }
  return us / records;
}

function newPipeline(): ShardPipeline {
  return new ShardPipeline({ shard: 0, shards: 1 }, { alarm: () => undefined });
}

async function timesOf(): Promise<Times> {
  const session = new Session();
  session.connect();
  const post = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => (error ? reject(error) : resolve(result)));
    });
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await post('Profiler.start');
  const perRecord = watch(newPipeline(), TIMED.devices, TIMED.minutes);
  const { profile } = (await post('Profiler.stop')) as { profile: Profiler.Profile };
  session.disconnect();
  const times = sharesOf(profile);
  const all = [...times.values()].reduce((sum, us) => sum + us, 0);
  // Samples are taken by the clock, which also runs while others have the processor.
  for (const [name, us] of times) times.set(name, (us / all) * perRecord);
  return times.set(ALL, perRecord);
}

/** Microseconds of the profile in each detector; what is judged beside them is the pipeline's. */
function sharesOf({ nodes, samples, timeDeltas }: Profiler.Profile): Times {
  const times: Times = new Map();
  const ownerOf = new Map<number, string | null>([[nodes[0]!.id, null]]);
  // Nodes come before their children.
  for (const node of nodes) {
    const above = ownerOf.get(node.id) ?? null;
    const owner = ownedBy(node.callFrame, above);
    ownerOf.set(node.id, owner);
    for (const child of node.children ?? []) ownerOf.set(child, owner);
  }
  samples!.forEach((id, i) => {
    const owner = ownerOf.get(id) ?? null;
    if (owner !== null) times.set(owner, (times.get(owner) ?? 0) + timeDeltas![i]!);
  });
  return times;
}

function ownedBy(
  { functionName, url }: Profiler.ProfileNode['callFrame'],
  above: string | null,
): string | null {
  if (functionName === '(garbage collector)') return 'garbage collector';
  const file = /\/(detectors|engine)\/(\w+)\.js$/.exec(url);
  if (above === null) return file?.[2] === 'shard_pipeline' ? 'pipeline' : null;
  if (above !== 'pipeline' || file === null) return above;
  return DETECTORS.includes(file[2]!) ? file[2]! : above;
}

/** Bytes a device of each slot, and of what belongs to no slot. */
function memoryOf(devices: number, minutes: number): Times {
  const bytes: Times = new Map();
  const before = bytesInUse();
  const pipeline = newPipeline();
  const perRecord = watch(pipeline, devices, minutes);
  const all = bytesInUse() - before;
  let left = all;
  SLOTS.forEach((name, slot) => {
    for (let device = 0; device < devices; device++) {
      const entity = pipeline.find(keyOfDevice(device));
      if (entity !== undefined) entity.slots[slot] = null;
    }
    const now = bytesInUse() - before;
    bytes.set(name, (left - now) / devices);
    left = now;
  });
  bytes.set('pipeline', left / devices).set('all', all / devices);
  return bytes.set(ALL, perRecord);
}

function bytesInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function print(times: readonly Times[], bytes: Times): void {
  const { devices, minutes } = values;
  const us = (name: string): string => median(times.map((run) => run.get(name) ?? 0)).toFixed(3);
  console.log(`| part | us a record | bytes a device |\n| --- | ---: | ---: |`);
  for (const name of [...SLOTS, 'pipeline', 'garbage collector']) {
    const memory = bytes.get(name);
    const told = memory === undefined ? '' : Math.max(0, Math.round(memory)).toString();
    console.log(`| ${name} | ${us(name)} | ${told} |`);
  }
  console.log(`| all | ${us(ALL)} | ${Math.round(bytes.get('all')!)} |`);
  const large = bytes.get(ALL)!.toFixed(3);
  console.log(`\n${devices} devices for ${minutes} minutes: ${large} us a record`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
