import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import { abortTicks, createTickSeats, type TickSeat } from '../../../src/engine/tick_channel.js';

const WORKER = new URL('./support/tick_worker.js', import.meta.url);

interface Outcome {
  seen: string[];
  error: string | null;
}

function start(seat: TickSeat, ticks: readonly number[], failAt: number | null = null): Worker {
  const transferList = seat.ports.filter((port): port is MessagePort => port !== null);
  return new Worker(WORKER, { workerData: { seat, ticks, failAt }, transferList });
}

const outcome = async (worker: Worker): Promise<Outcome> => {
  const [message] = (await once(worker, 'message')) as [Outcome];
  return message;
};

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** Which ticks of the others a shard had when it looked at each of its own. */
function ticksSeen(seen: readonly string[]): Map<string, number> {
  return new Map(seen.map((text) => [text.split('<')[0]!, Number(text.split('<')[1] ?? Infinity)]));
}

describe('TickChannel', () => {
  it('gives each contribution to every other shard once, before the next tick', async () => {
    const workers = createTickSeats(3).map((seat) => start(seat, range(100, 400)));
    const outcomes = await Promise.all(workers.map(outcome));
    outcomes.forEach(({ seen, error }, shard) => {
      assert.equal(error, null);
      const arrived = ticksSeen(seen);
      assert.equal(seen.length, 600);
      assert.equal(arrived.size, 600);
      for (const [key, when] of arrived) {
        const [from, tick] = key.split('@').map(Number) as [number, number];
        assert.notEqual(from, shard);
        assert.ok(when <= tick + 1 || when === Infinity);
      }
    });
  });

  it('does not wait for a shard that has announced the end', async () => {
    const [a, b] = createTickSeats(2);
    const [early, late] = await Promise.all(
      [start(a!, range(0, 3)), start(b!, range(0, 50))].map(outcome),
    );
    assert.equal(early!.error, null);
    assert.equal(early!.seen.length, 50);
    assert.equal(late!.error, null);
    assert.equal(late!.seen.length, 3);
  });

  it('lets shards look at different ticks', async () => {
    const [a, b] = createTickSeats(2);
    const outcomes = await Promise.all([start(a!, [1, 7, 900]), start(b!, [5, 6])].map(outcome));
    const [first, second] = outcomes.map(({ seen }) => [...ticksSeen(seen).keys()].sort());
    assert.deepEqual(first, ['1@5', '1@6']);
    assert.deepEqual(second, ['0@1', '0@7', '0@900']);
  });

  it('frees the waiting shards when one has failed', async () => {
    const seats = createTickSeats(2);
    const [failing, waiting] = [
      start(seats[0]!, range(0, 9), 5),
      start(seats[1]!, range(0, 9)),
    ].map(outcome);
    assert.match((await failing!).error ?? '', /this shard fails/);
    abortTicks(seats[0]!.signals);
    assert.match((await waiting!).error ?? '', /given up/);
  });

  it('needs no other shard when there is one', () => {
    const [seat] = createTickSeats(1);
    assert.deepEqual(seat!.ports, [null]);
  });
});
