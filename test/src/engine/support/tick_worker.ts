import { parentPort, workerData } from 'node:worker_threads';
import { TickChannel, type TickSeat } from '../../../../src/engine/tick_channel.js';

/** Exchanges at each tick and reports what it saw; `failAt` throws before that tick. */
const { seat, ticks, failAt } = workerData as {
  seat: TickSeat;
  ticks: readonly number[];
  failAt: number | null;
};
const channel = new TickChannel(seat);
const seen: unknown[][] = [];
try {
  for (const tick of ticks) {
    if (tick === failAt) throw new Error('this shard fails');
    seen.push(channel.exchange(tick, `${seat.shard}@${tick}`));
  }
  channel.leave();
  parentPort!.postMessage({ seen, error: null });
} catch (error) {
  parentPort!.postMessage({ seen, error: (error as Error).message });
}
