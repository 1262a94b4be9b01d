import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BatchView } from '../../src/batch/batch_view.js';
import type { NativeOptions } from '../../src/engine/addon_types.js';
import { attachRun, openRun, type NativeRun } from '../../src/engine/binding.js';
import { MORNING_US, conversation, pcap, writePcap } from '../src/support/captures.js';

const WORKER = new URL('./support/drain_worker.js', import.meta.url);
const EXITING = fileURLToPath(new URL('./support/exit_while_running.js', import.meta.url));

const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 };

/** A run that has read a conversation and waits for more, until its pipe is closed. */
class EndlessRun {
  readonly run: NativeRun;
  readonly #fd: number;

  constructor(folder: string, shards = 1) {
    const path = join(folder, 'endless.fifo');
    rmSync(path, { force: true });
    execFileSync('mkfifo', [path]);
    this.#fd = openSync(path, 'r+');
    writeSync(this.#fd, pcap(conversation(ENDS, MORNING_US)));
    this.run = openRun(options([path], { shards }));
  }

  end(): void {
    this.run.close();
    closeSync(this.#fd);
  }
}

function options(sources: readonly string[], changes: Partial<NativeOptions> = {}): NativeOptions {
  return {
    sources,
    live: null,
    lanes: 1,
    shards: 1,
    homeNet: ['10.0.0.0/8'],
    publish: false,
    strictChecksums: false,
    digests: false,
    clearIdentities: false,
    eventsOfEnds: [],
    eventsOfLinks: [],
    identityKey: new Uint8Array(16),
    hashKey: null,
    maxFlows: 4096,
    pinned: [],
    queueBytes: 1 << 20,
    memoryBytes: 0,
    ...changes,
  };
}

const newBuffer = (): Uint8Array => new Uint8Array(1 << 20);

/** Drains to the end. @returns how many flow records there were */
function drainAll(run: NativeRun, queue = 0): number {
  const buffer = newBuffer();
  const view = new BatchView(buffer);
  let rows = 0;
  for (let bytes = 0; bytes >= 0; bytes = run.drain(queue, buffer, 1000)) {
    for (let offset = 0; offset < bytes; rows += view.header.nRows)
      offset = view.open(offset, bytes);
  }
  return rows;
}

/** What the worker says first: it is about to drain. */
async function draining(worker: Worker): Promise<void> {
  assert.deepEqual(await once(worker, 'message'), ['draining']);
}

/** How many records a worker that is draining has seen in the end. */
async function total(worker: Worker): Promise<unknown> {
  const [received] = (await once(worker, 'message')) as [unknown];
  return received;
}

describe('the native core', function () {
  this.timeout(10_000);
  let folder: string;
  let capture: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'thymus-addon-'));
    const packets = Array.from({ length: 50 }, (_, i) =>
      conversation({ ...ENDS, fromPort: 40_000 + i }, MORNING_US + i * 1e6),
    ).flat();
    capture = writePcap(join(folder, 'fifty.pcap'), packets);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives everything, then says that it has ended, as often as it is asked', () => {
    const run = openRun(options([capture]));
    assert.ok(drainAll(run) >= 50);
    assert.equal(run.drain(0, newBuffer(), 0), -1);
    assert.equal(run.stats().ended, true);
    run.close();
  });

  it('can be drained by a worker thread', async () => {
    const run = openRun(options([capture]));
    const worker = new Worker(WORKER, { workerData: { handle: run.handle, shards: 1 } });
    await draining(worker);
    const seen = await total(worker);
    run.close();
    const again = openRun(options([capture]));
    assert.equal(seen, drainAll(again));
    again.close();
  });

  it('can be stopped twice, and once more when it is closed', async () => {
    const endless = new EndlessRun(folder);
    while (endless.run.stats().counters[0] !== 8) await sleep(5);
    endless.run.stop();
    endless.run.stop();
    assert.ok(drainAll(endless.run) >= 1);
    endless.end();
    endless.run.stop();
  });

  it('ends soon after a stop that comes before any input', () => {
    const endless = new EndlessRun(folder);
    endless.run.stop();
    drainAll(endless.run);
    assert.equal(endless.run.stats().sources[0]!.kind, 'ok');
    endless.end();
  });

  it('can be closed twice', () => {
    const run = openRun(options([capture]));
    run.close();
    run.close();
  });

  it('refuses to be drained when it is closed', () => {
    const run = openRun(options([capture]));
    run.close();
    assert.throws(() => run.drain(0, newBuffer(), 0), /This run is closed/);
    assert.throws(() => run.stats(), /This run is closed/);
  });

  it('frees a drain that is under way when it is closed', async () => {
    const endless = new EndlessRun(folder);
    const worker = new Worker(WORKER, {
      workerData: { handle: endless.run.handle, shards: 1, timeoutMs: 10_000 },
    });
    await draining(worker);
    await sleep(200);
    const started = performance.now();
    endless.end();
    await total(worker);
    assert.ok(performance.now() - started < 2000);
  });

  it('survives a worker that is terminated in a drain', async () => {
    const endless = new EndlessRun(folder);
    const worker = new Worker(WORKER, {
      workerData: { handle: endless.run.handle, shards: 1, timeoutMs: 100 },
    });
    await draining(worker);
    await worker.terminate();
    assert.ok(endless.run.stats().counters[0]! >= 0);
    endless.end();
  });

  it('survives an exception in JavaScript between two drains', async () => {
    const run = openRun(options([capture]));
    const worker = new Worker(WORKER, {
      workerData: { handle: run.handle, shards: 1, throwAfter: 1 },
    });
    const [error] = (await once(worker, 'error')) as [Error];
    assert.equal(error.message, 'thrown between two drains');
    drainAll(run);
    run.close();
  });

  it('lets the process exit while it runs', async () => {
    const child = spawn(process.execPath, [EXITING, 'exit'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.write(pcap(conversation(ENDS, MORNING_US)));
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 7);
  });

  it('lets the process end by an exception while it runs', async () => {
    const child = spawn(process.execPath, [EXITING, 'throw'], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.write(pcap(conversation(ENDS, MORNING_US)));
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 1);
  });

  it('runs two engines in one process without mixing them', () => {
    const first = openRun(options([capture]));
    const other = writePcap(join(folder, 'one.pcap'), conversation(ENDS, MORNING_US));
    const second = openRun(options([other], { publish: true }));
    const [rowsFirst, rowsSecond] = [drainAll(first), drainAll(second)];
    assert.notEqual(first.handle, second.handle);
    assert.equal(rowsFirst, 50 * rowsSecond);
    drainAll(second, 1);
    assert.equal(first.stats().counters[0], 400);
    assert.equal(second.stats().counters[0], 8);
    first.close();
    assert.equal(second.stats().counters[0], 8);
    second.close();
  });

  it('can be attached by its handle', () => {
    const run = openRun(options([capture]));
    assert.ok(drainAll(attachRun(run.handle, 1)) > 0);
    run.close();
  });

  it('reports each source that cannot be read and reads the others', () => {
    const run = openRun(options([join(folder, 'absent.pcap'), capture, folder]));
    drainAll(run);
    const { sources, counters } = run.stats();
    assert.deepEqual(
      sources.map(({ kind }) => kind),
      ['unreadable', 'ok', 'unreadable'],
    );
    assert.match(sources[0]!.error ?? '', /absent\.pcap/);
    assert.equal(counters[0], 400);
    run.close();
  });
});
