import type { Feedback } from '../domain/lane_priors.js';
import type { LaneId } from '../domain/lanes.js';
import { addFeedback, priorsOf, readFeedback } from './feedback_file.js';
import { RunArchive } from './run_archive.js';

export interface FeedbackTaken {
  /** RUN/INCIDENT. */
  readonly incident: string;
  readonly lane: LaneId;
  /** By which the odds of incidents of this lane are taken from now on. */
  readonly oddsFactor: number;
}

/**
 * Keeps what an operator says of an incident.
 * @param id RUN/INCIDENT, or the number of an incident of the newest run
 * @param nowMs wall time
 * @throws ThymusError NO_SUCH_INCIDENT, OUTPUT_FAILED
 */
export async function giveFeedback(
  stateDirectory: string,
  { id, is }: { readonly id: string; readonly is: Feedback },
  nowMs: number,
): Promise<FeedbackTaken> {
  const { run, incident: found } = await new RunArchive(stateDirectory).incident(id);
  const lane = found.detectors[0]!;
  const incident = `${run.id}/${found.id}`;
  addFeedback(stateDirectory, { incident, is, lane, at: new Date(nowMs).toISOString() });
  const oddsFactor = Math.exp(priorsOf(readFeedback(stateDirectory))[lane] ?? 0);
  return { incident, lane, oddsFactor };
}
