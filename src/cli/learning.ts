import { createHash } from 'node:crypto';
import { NO_PRIORS, type LanePriors } from '../domain/lane_priors.js';
import type { Learning } from '../engine/pipeline.js';
import { withLesson, type Model } from '../store/model_file.js';
import { ThymusError } from '../errors.js';
import { engineVersion } from './version.js';

/** Says which key it was and not what it is. */
function keyName(hashKey: Uint8Array | null): string {
  if (hashKey === null) return '';
  return createHash('sha256').update('name').update(hashKey).digest('hex').slice(0, 16);
}

/**
 * The key that a run which goes on from a model numbers its entities under.
 * @param own gives the key of this installation
 * @throws ThymusError MODEL_INVALID when it is another installation's model
 */
export function hashKeyOfModel({ about }: Model, own: () => Uint8Array): Uint8Array | null {
  if (about.keyName === '') return null;
  const key = own();
  if (about.keyName === keyName(key)) return key;
  throw new ThymusError(
    'MODEL_INVALID',
    'The model was learned under the key of another installation: give the --state or the ' +
      '--identity-key that it was learned with.',
  );
}

/** What a command says about learning. */
export interface LearningSetup {
  /** What to go on from; null: nothing. */
  readonly start: Model | null;
  /** What operators have said; by default what the model knows of it. */
  readonly priors?: LanePriors;
  /** What the run numbers its entities under; null: the fixed key of replays. */
  readonly hashKey: Uint8Array | null;
  /** Where what is learned goes; null: nowhere. */
  readonly put: ((model: Model) => void) | null;
}

/** What a run goes on from, and where it puts what it has learned. */
export function learningOf(sources: readonly string[], setup: LearningSetup): Learning {
  const { start, hashKey, put } = setup;
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
      const about = { engineVersion: engineVersion(), lessons, priors, keyName: keyName(hashKey) };
      put({ about, state });
    },
  };
}
