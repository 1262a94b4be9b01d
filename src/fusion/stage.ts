import { STAGES, type Evidence, type Stage } from '../domain/evidence.js';
import { TICK_US } from '../domain/tick.js';

/** An attack goes on to the next stage, or to any later one, or stays (0.6); it never goes back. */
const NEXT = 0.3;
const LATER = 0.1;

/** How often evidence carries the tag of the stage that the attack is in. */
const TAG_IS_RIGHT = 0.7;

/**
 * The stage an attack has come to: forward pass of a hidden Markov model over the stages, whose
 * observations are the tags of its evidence. Evidence of one tick with one tag is one observation,
 * so that a thousand probes do not shout down the log-in that followed.
 * @param evidence in time order, not empty
 */
export function stageOf(evidence: readonly Evidence[]): Stage {
  // What was seen first may be any part of an attack.
  let belief: readonly number[] = STAGES.map(() => 1 / STAGES.length);
  let previous: Evidence | null = null;
  for (const piece of evidence) {
    if (previous !== null && isSameObservation(previous, piece)) continue;
    if (previous !== null) belief = moveOn(belief);
    belief = normalised(belief.map((b, i) => b * emission(STAGES[i]!, piece.stage)));
    previous = piece;
  }
  return STAGES[belief.indexOf(Math.max(...belief))]!;
}

function isSameObservation(a: Evidence, b: Evidence): boolean {
  return a.stage === b.stage && Math.floor(a.t1Us / TICK_US) === Math.floor(b.t1Us / TICK_US);
}

function emission(state: Stage, tag: Stage): number {
  return state === tag ? TAG_IS_RIGHT : (1 - TAG_IS_RIGHT) / (STAGES.length - 1);
}

function moveOn(belief: readonly number[]): number[] {
  const last = belief.length - 1;
  const moved = belief.map(() => 0);
  belief.forEach((b, i) => {
    const later = last - i - 1;
    // What cannot be used at the end of the chain stays.
    const next = i < last ? NEXT : 0;
    const jump = later > 0 ? LATER : 0;
    moved[i]! += b * (1 - next - jump);
    if (i < last) moved[i + 1]! += b * next;
    for (let j = i + 2; j <= last; j++) moved[j]! += (b * jump) / later;
  });
  return moved;
}

function normalised(belief: readonly number[]): number[] {
  const sum = belief.reduce((a, b) => a + b, 0);
  return belief.map((b) => b / sum);
}
