import { parentPort, workerData } from 'node:worker_threads';
import { BatchView } from '../../../src/batch/batch_view.js';
import { attachRun } from '../../../src/engine/binding.js';

/**
 * Says 'draining', drains a run to its end and reports how many flow records there were;
 * `throwAfter` throws after so many drains.
 */
const {
  handle,
  shards,
  timeoutMs = 1000,
  throwAfter = Infinity,
} = workerData as {
  handle: number;
  shards: number;
  timeoutMs?: number;
  throwAfter?: number;
};

const run = attachRun(handle, shards);
const buffer = new Uint8Array(1 << 20);
const view = new BatchView(buffer);
let rows = 0;
parentPort!.postMessage('draining');
for (let drains = 1; ; drains++) {
  const bytes = run.drain(0, buffer, timeoutMs);
  if (bytes < 0) break;
  for (let offset = 0; offset < bytes; rows += view.header.nRows) offset = view.open(offset, bytes);
  if (drains >= throwAfter) throw new Error('thrown between two drains');
}
parentPort!.postMessage(rows);
