import { parentPort, workerData } from 'node:worker_threads';
import type { TickDelta } from '../../../../src/domain/tick_exchange.js';
import { TickChannel, type TickSeat } from '../../../../src/engine/tick_channel.js';

/**
 * A shard that contributes to every tick of `ticks` and looks at a record in each: announces,
 * collects, and reports the surprises it got. `failAt` throws before that tick.
 */
const { seat, ticks, failAt } = workerData as {
  seat: TickSeat;
  ticks: readonly number[];
  failAt: number | null;
};

const delta = (tick: number): TickDelta => ({
  tick,
  contacts: new Float64Array(),
  edges: new Float64Array(),
  edgePorts: new Uint16Array(),
  surprises: Float64Array.of(seat.shard),
  prints: new Float64Array(),
  printKinds: new Uint16Array(),
  printSurprises: new Float64Array(),
  scorePools: new Uint8Array(),
  scores: new Float64Array(),
  ladders: new Float64Array(),
  pointKeys: new Float64Array(),
  points: new Float32Array(),
});

const channel = new TickChannel(seat);
const seen: string[] = [];
try {
  let previous: TickDelta[] = [];
  for (const tick of ticks) {
    if (tick === failAt) throw new Error('this shard fails');
    channel.announce(tick, previous);
    for (const got of channel.collect(tick)) seen.push(`${got.surprises[0]}@${got.tick}<${tick}`);
    previous = [delta(tick)];
  }
  channel.announce(Infinity, previous);
  for (const got of channel.collect(Infinity)) seen.push(`${got.surprises[0]}@${got.tick}`);
  channel.close();
  parentPort!.postMessage({ seen, error: null });
} catch (error) {
  parentPort!.postMessage({ seen, error: (error as Error).message });
}
