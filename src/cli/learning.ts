import type { Learning } from '../engine/pipeline.js';
import { withLesson, type Model } from '../store/model_file.js';
import { engineVersion } from './version.js';

/**
 * What a run goes on from, and where it puts what it has learned.
 * @param start null when it begins with nothing
 * @param put null when what is learned is not kept
 */
export function learningOf(
  start: Model | null,
  sources: readonly string[],
  put: ((model: Model) => void) | null,
): Learning {
  const model = start?.state ?? null;
  if (put === null) return { model, onLearned: null };
  return {
    model,
    onLearned: (state, seen) => {
      // A run without a packet has nothing to add.
      if (seen.packets === 0) return;
      const { packets, flows, firstPacketUs: fromUs, lastPacketUs: untilUs } = seen;
      const lesson = { sources, fromUs, untilUs, packets, flows };
      const lessons = withLesson(start?.about.lessons ?? [], lesson);
      put({ about: { engineVersion: engineVersion(), lessons }, state });
    },
  };
}
