import { alertFlood } from './alert_flood.js';
import { boilTheFrog } from './boil_the_frog.js';
import { exhaustion } from './exhaustion.js';
import type { Experiment } from './experiment.js';
import { mimicry } from './mimicry.js';

/** Attackers who know the detectors. Each is bounded in what it simulates, and so in time. */
export const EXPERIMENTS: readonly { readonly name: string; readonly run: () => Experiment }[] = [
  { name: 'boiling the frog', run: () => boilTheFrog() },
  { name: 'mimicry', run: () => mimicry() },
  { name: 'state exhaustion', run: () => exhaustion() },
  { name: 'alert flooding', run: () => alertFlood() },
];
