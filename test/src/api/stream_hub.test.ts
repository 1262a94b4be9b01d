import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { MOST_SUBSCRIBERS, type StreamHub } from '../../../src/api/stream_hub.js';
import { StreamSocket } from '../../../src/api/stream_socket.js';
import { VerdictStream } from '../../../src/api/verdict_stream.js';
import { readVerdicts } from '../../../src/api/verdict_file.js';
import { positionOf } from '../../../src/store/frame_segments.js';
import { scanIncident, summaryOf } from './incidents.js';
import { summaryOfEnvelope, hubOf, publish, Reader } from './stream_support.js';

describe('StreamHub', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'thymus-stream-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('gives each subscriber what comes after it began', async () => {
    const hub = hubOf(null);
    publish(hub, 1, 3);
    const reader = Reader.on(hub, 'now');
    publish(hub, 4, 6);
    await reader.has(3);
    assert.deepEqual(reader.summaries, ['4', '5', '6']);
    assert.equal(reader.nRuns, 1);
  });

  it('goes on after each cursor without loss and without doubles, over restarts', async () => {
    const first = hubOf(directory, { frames: 4 });
    publish(first, 1, 30);
    await first.finish();
    const second = hubOf(directory, { frames: 4 });
    publish(second, 31, 60);
    const all = Reader.on(second, 'oldest');
    await all.has(60);
    const expected = Array.from({ length: 60 }, (_, i) => String(i + 1));
    assert.deepEqual(all.summaries, expected);
    for (const [i, cursor] of all.cursors.entries()) {
      const reader = Reader.on(second, positionOf(cursor)!);
      while (reader.cursors.at(-1) !== all.cursors.at(-1) && i + 1 < expected.length) {
        await sleep(1);
      }
      assert.deepEqual(reader.summaries, expected.slice(i + 1));
      assert.equal(reader.nGaps, 0);
      reader.close();
    }
  });

  it('gives what is published while a subscriber catches up, once', async () => {
    const hub = hubOf(directory, { frames: 4 });
    publish(hub, 1, 500);
    const reader = Reader.on(hub, 'oldest');
    for (let i = 501; i <= 600; i++) {
      publish(hub, i, i);
      if (i % 10 === 0) await sleep(1);
    }
    await reader.has(600);
    assert.deepEqual(
      reader.summaries,
      Array.from({ length: 600 }, (_, i) => String(i + 1)),
    );
  });

  it('says that a cursor is too old, and goes on with the oldest that is kept', async () => {
    for (const kept of [null, directory]) {
      const hub = hubOf(kept, { frames: 4 });
      publish(hub, 1, 10);
      const reader = Reader.on(hub, { session: '000000000001', seq: 7 });
      const oldest = kept === null ? 7 : 1;
      await reader.has(11 - oldest);
      assert.equal(reader.nGaps, 1);
      assert.deepEqual(
        reader.summaries,
        Array.from({ length: 11 - oldest }, (_, i) => String(i + oldest)),
      );
      assert.equal(hub.status.gaps, 1);
      await hub.finish();
    }
  });

  it('ends a subscriber that takes too little, and says where it can go on', async () => {
    const hub = hubOf(directory, { frames: 8 });
    const slow = Reader.on(hub, 'now', { takes: 3 });
    const quick = Reader.on(hub, 'now');
    for (let i = 1; i <= 100; i++) {
      publish(hub, i, i);
      await sleep(0);
    }
    assert.equal(slow.ended?.why, 'overrun');
    assert.equal(quick.ended, null);
    assert.equal(hub.status.overruns, 1);
    assert.equal(hub.status.subscribers, 1);
    const again = Reader.on(hub, positionOf(slow.ended.cursor)!);
    while (again.cursors.at(-1) !== hub.status.cursor) await sleep(1);
    assert.deepEqual(
      [...slow.summaries, ...again.summaries],
      Array.from({ length: 100 }, (_, i) => String(i + 1)),
    );
  });

  it('publishes as fast with subscribers that take nothing', async () => {
    const hub = hubOf(null, { frames: 64 });
    const dead = Array.from({ length: MOST_SUBSCRIBERS }, () =>
      Reader.on(hub, 'now', { takes: 0 }),
    );
    assert.throws(() => Reader.on(hub, 'now'), /as many/);
    publish(hub, 1, 1000);
    await sleep(1);
    assert.equal(hub.status.messages, 1000);
    assert.equal(hub.status.overruns, dead.length);
    const before = performance.now();
    await hub.finish();
    assert.ok(performance.now() - before < 1900);
  });

  it('lets subscribers take the rest at the end, and ends those that do not', async () => {
    const hub = hubOf(null);
    const quick = Reader.on(hub, 'now');
    const dead = Reader.on(hub, 'now', { takes: 0 });
    publish(hub, 1, 5);
    await hub.finish();
    assert.deepEqual(quick.summaries, ['1', '2', '3', '4', '5']);
    assert.deepEqual(
      [quick, dead].map(({ ended }) => ended?.why),
      ['finished', 'finished'],
    );
  });

  it('goes on in memory when its log cannot be written', async () => {
    const failures: unknown[] = [];
    const hub = hubOf(directory, { frames: 4, onLogFailure: (error) => failures.push(error) });
    publish(hub, 1, 5);
    hub.log!.close();
    publish(hub, 6, 20);
    assert.equal(failures.length, 1);
    assert.equal(hub.status.isKept, false);
    const reader = Reader.on(hub, 'oldest');
    await reader.has(9);
    assert.deepEqual(reader.summaries, ['1', '2', '3', '4', '5', '17', '18', '19', '20']);
    assert.equal(reader.nGaps, 1);
  });
});

describe('VerdictStream', () => {
  it('says each change of an incident, and those that were merged', async () => {
    const hub = hubOf(null);
    const reader = Reader.on(hub, 'now');
    const stream = new VerdictStream(hub);
    stream.onIncident(scanIncident(), 'opened');
    stream.onIncident(scanIncident({ id: '2' }), 'opened');
    stream.onIncident(scanIncident(), 'grew');
    stream.onIncident(scanIncident(), 'final');
    stream.onSummary(summaryOf());
    await stream.end();
    const said = reader.envelopes.flatMap(({ verdict }) => verdict ?? []);
    assert.deepEqual(
      said.map(({ incidentId, change }) => [incidentId, change]),
      [
        ['1', 1],
        ['2', 1],
        ['1', 2],
        ['1', 3],
        ['2', 4],
      ],
    );
    assert.equal(said[0]!.runId, 'RUN');
    assert.equal(reader.envelopes.at(-1)!.runEnd!.verdicts, 1);
  });
});

describe('StreamSocket', () => {
  let directory: string;
  let hub: StreamHub;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'thymus-socket-'));
    hub = hubOf(null);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('serves a verdict file to each reader, and ends it with the run', async () => {
    const path = join(directory, 'verdicts.sock');
    publish(hub, 1, 2);
    const server = await StreamSocket.listen(path, hub);
    const readers = [connect(path), connect(path)].map((socket) => buffer(socket));
    while (hub.status.subscribers < 2) await sleep(1);
    publish(hub, 3, 4);
    await hub.finish();
    server.close();
    for (const bytes of await Promise.all(readers)) {
      assert.deepEqual(readVerdicts(bytes).flatMap(summaryOfEnvelope), ['1', '2', '3', '4']);
    }
  });

  it('ends a reader that takes nothing, and goes on for others', async () => {
    const path = join(directory, 'verdicts.sock');
    const server = await StreamSocket.listen(path, hub);
    const dead = connect(path).pause();
    while (hub.status.subscribers < 1) await sleep(1);
    for (let i = 0; i < 200 && hub.status.overruns === 0; i++) {
      hub.publish(() => Buffer.alloc(64 * 1024));
      await sleep(1);
    }
    assert.equal(hub.status.overruns, 1);
    dead.destroy();
    await hub.finish();
    server.close();
  });

  it('refuses a place that others reach or that is in use, and takes over a dead one', async () => {
    const path = join(directory, 'verdicts.sock');
    const server = await StreamSocket.listen(path, hub);
    await assert.rejects(StreamSocket.listen(path, hub), { code: 'USAGE', message: /answers/ });
    server.close();
    await assert.rejects(StreamSocket.listen(join(tmpdir(), `x${process.pid}`), hub), {
      message: /chmod 700/,
    });
    await assert.rejects(StreamSocket.listen(join(directory, 'x'.repeat(100)), hub), {
      message: /at most 107/,
    });
  });
});
