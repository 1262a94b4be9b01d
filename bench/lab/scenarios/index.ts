import { fileURLToPath } from 'node:url';
import { horizontalScan } from './horizontal_scan.js';
import { officeDay } from './office_day.js';
import type { Scenario } from './scenario.js';
import { sshGuessing } from './ssh_guessing.js';
import { synFlood } from './syn_flood.js';
import { verticalScan } from './vertical_scan.js';

/** In the order they are made. */
export const SCENARIOS: readonly Scenario[] = [
  officeDay,
  horizontalScan,
  verticalScan,
  sshGuessing,
  synFlood,
];

export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no scenario ${name}: there are ${SCENARIOS.map((each) => each.name).join(', ')}.`,
  );
}

// run.sh asks for the names.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name } of SCENARIOS) console.log(name);
}
