// The responder as `thymus respond` runs it, with a file for each thing that it enforces.
import { join } from 'node:path';
import { ResponderRun } from '../../../../src/cli/responder_run.js';
import { responseFiles } from '../../../../src/store/response_files.js';
import { FileActuator } from './file_actuator.js';

const [folder] = process.argv.slice(2) as [string];
const run = new ResponderRun({
  files: responseFiles(folder),
  actuators: [new FileActuator(join(folder, 'enforced'))],
  mode: 'auto',
  idleMs: null,
  onReady: () => process.send?.('ready'),
});
process.on('SIGTERM', () => run.stop());
process.on('disconnect', () => undefined);
try {
  await run.run();
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
