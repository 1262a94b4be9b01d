import type { Experiment } from './experiment.js';

/** Attackers who know the detectors, each bounded in time. */
export const EXPERIMENTS: readonly { readonly name: string; readonly run: () => Experiment }[] = [];
