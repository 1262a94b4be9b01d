import assert from 'node:assert/strict';
import type { Incident } from '../../../src/domain/incident.js';
import type { LearnedState } from '../../../src/domain/learned_state.js';
import { judge, type Judgement, type JudgeSetup, type Traffic } from './traffic.js';

/** A second that no traffic comes after. */
const END = 1e6;

/** One run until `cut` seconds, and another from there on that goes on with what the first knew. */
export function inTwo(
  traffic: Traffic,
  cut: number,
  [first, second]: readonly [JudgeSetup, JudgeSetup] = [{}, {}],
): readonly [Judgement, Judgement] {
  const before = judge(traffic, { ...first, between: [0, cut] });
  const after = judge(traffic, { ...second, between: [cut, END], model: before.learned });
  return [before, after];
}

/**
 * Asserts that traffic which is cut gives the incidents and the knowledge that the whole gives, also
 * when other shards go on with it.
 * @param cuts seconds at which a tick ends
 */
export function assertGoesOn(traffic: Traffic, cuts: readonly number[]): void {
  const whole = judge(traffic);
  for (const cut of cuts) {
    const runs = inTwo(traffic, cut);
    assert.deepEqual(lastStates(runs), whole.incidents, `cut at ${cut} s`);
    assert.deepEqual(differences(runs[1].learned, whole.learned), [], `cut at ${cut} s`);
  }
  const passed = inTwo(traffic, cuts.at(-1)!, [{ shards: 2 }, { shards: 3 }]);
  assert.deepEqual(lastStates(passed), whole.incidents, 'from two shards to three');
}

/** Incidents of several runs, each as the last of them has it. */
export function lastStates(runs: readonly Judgement[]): Incident[] {
  const byId = new Map(runs.flatMap((run) => run.incidents.map((one) => [one.id, one] as const)));
  return [...byId.values()].sort((a, b) => Number(a.id) - Number(b.id));
}

/** Names of sections that are not the same; incidents name their runs. */
export function differences(a: LearnedState, b: LearnedState): string[] {
  const names = [...new Set([...a.sections.keys(), ...b.sections.keys()])];
  const bytesOf = (state: LearnedState, name: string): Buffer =>
    Buffer.from(state.sections.get(name) ?? []);
  return names.filter((name) => name !== 'incidents' && !bytesOf(a, name).equals(bytesOf(b, name)));
}
