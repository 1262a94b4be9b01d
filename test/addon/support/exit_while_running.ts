import { openRun } from '../../../src/engine/binding.js';

/** Leaves the process, in the way the argument says, while the core waits for standard input. */
const run = openRun({
  sources: ['-'],
  live: null,
  lanes: 2,
  shards: 1,
  homeNet: ['10.0.0.0/8'],
  publish: true,
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
});
run.drain(0, new Uint8Array(1 << 20), 10);
if (process.argv[2] === 'throw') throw new Error('thrown while the core runs');
process.exit(7);
