import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import { abortTicks, createTickSeats, type TickSeat } from '../../../src/engine/tick_channel.js';

const WORKER = new URL('./support/tick_worker.js', import.meta.url);

interface Outcome {
  seen: unknown[][];
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

describe('TickChannel', () => {
  it('gives every shard the contributions of all, in the order of the shards', async () => {
    const ticks = range(100, 400);
    const workers = createTickSeats(3).map((seat) => start(seat, ticks));
    const outcomes = await Promise.all(workers.map(outcome));
    const expected = ticks.map((tick) => [0, 1, 2].map((shard) => `${shard}@${tick}`));
    for (const { seen, error } of outcomes) {
      assert.equal(error, null);
      assert.deepEqual(seen, expected);
    }
  });

  it('does not wait for a shard that has ended', async () => {
    const [a, b] = createTickSeats(2);
    const outcomes = await Promise.all(
      [start(a!, range(0, 3)), start(b!, range(0, 50))].map(outcome),
    );
    assert.deepEqual(outcomes[0]!.seen[2], ['0@2', '1@2']);
    assert.deepEqual(outcomes[1]!.seen[2], ['0@2', '1@2']);
    assert.deepEqual(outcomes[1]!.seen[49], [null, '1@49']);
    assert.equal(outcomes[1]!.error, null);
  });

  it('refuses when two shards disagree about the tick', async () => {
    const [a, b] = createTickSeats(2);
    const outcomes = await Promise.all([start(a!, [7]), start(b!, [8])].map(outcome));
    assert.match(outcomes[0]!.error ?? '', /Shard 0 is at tick 7, shard 1 at 8/);
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
