import { openInjector } from '../../../src/engine/reset_injector.js';

/** Leaves the process while an injector hears the loopback; exit code 3 where that is not allowed. */
const opened = openInjector({ tap: 'lo', out: 'lo', nextHop: null, resetsPerSecond: 10 });
if ('ok' in opened) process.exit(3);
opened.setTargets([{ host: '192.0.2.77', peer: null, peerPort: null, spared: [] }]);
if (process.argv[2] === 'throw') throw new Error('thrown while resets are sent');
process.exit(7);
