import { runCommandLine } from './program.js';

// Explicit, since a library may keep the event loop alive after the work is done. All output is
// written synchronously or awaited by then.
process.exit(await runCommandLine(process.argv.slice(2)));
