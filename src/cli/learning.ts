import { NO_PRIORS, type LanePriors } from '../domain/lane_priors.js';
import type { Learning } from '../engine/pipeline.js';
import { withLesson, type Model } from '../store/model_file.js';
import { engineVersion } from './version.js';

/** What a command says about learning. */
export interface LearningSetup {
  /** What to go on from; null: nothing. */
  readonly start: Model | null;
  /** What operators have said; by default what the model knows of it. */
  readonly priors?: LanePriors;
  /** Where what is learned goes; null: nowhere. */
  readonly put: ((model: Model) => void) | null;
}

/** What a run goes on from, and where it puts what it has learned. */
export function learningOf(sources: readonly string[], setup: LearningSetup): Learning {
  const { start, put } = setup;
  const model = start?.state ?? null;
  const priors = setup.priors ?? start?.about.priors ?? NO_PRIORS;
  if (put === null) return { model, priors, onLearned: null };
  return {
    model,
    priors,
    onLearned: (state, seen) => {
      // A run without a packet has nothing to add.
      if (seen.packets === 0) return;
      const { packets, flows, firstPacketUs: fromUs, lastPacketUs: untilUs } = seen;
      const lesson = { sources, fromUs, untilUs, packets, flows };
      const lessons = withLesson(start?.about.lessons ?? [], lesson);
      put({ about: { engineVersion: engineVersion(), lessons, priors }, state });
    },
  };
}
