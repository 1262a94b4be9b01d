import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { lnPriorFactor, type Feedback, type LanePriors } from '../domain/lane_priors.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import { ThymusError } from '../errors.js';
import { outputFailed } from './output_error.js';

/*
 * STATE/feedback.jsonl: what operators have said, one incident a line. What is said of an incident
 * again takes the place of what was said before.
 */

export const FEEDBACK_FILE = 'feedback.jsonl';

/** What an operator says of one incident. */
export interface FeedbackLine {
  /** RUN/INCIDENT. */
  readonly incident: string;
  readonly is: Feedback;
  /** The lane that won. */
  readonly lane: LaneId;
  /** Wall time, ISO 8601 in UTC. */
  readonly at: string;
}

/** @throws ThymusError OUTPUT_FAILED */
export function addFeedback(stateDirectory: string, line: FeedbackLine): void {
  const path = join(stateDirectory, FEEDBACK_FILE);
  try {
    mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch (error) {
    throw outputFailed(path, error);
  }
}

/**
 * What was said last of each incident. Lines that cannot be read are left out.
 * @throws ThymusError UNREADABLE_INPUT when the file is there and cannot be read
 */
export function readFeedback(stateDirectory: string): FeedbackLine[] {
  const path = join(stateDirectory, FEEDBACK_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    const message = `${path} cannot be read (${code}): check its rights.`;
    throw new ThymusError('UNREADABLE_INPUT', message, { cause });
  }
  const last = new Map<string, FeedbackLine>();
  for (const line of text.split('\n').flatMap((one) => parsed(one) ?? [])) {
    last.set(line.incident, line);
  }
  return [...last.values()];
}

/** How feedback changes the odds of each lane. */
export function priorsOf(feedback: readonly FeedbackLine[]): LanePriors {
  const said = new Map<LaneId, { attack: number; benign: number }>();
  for (const { lane, is } of feedback) {
    const counts = said.get(lane) ?? { attack: 0, benign: 0 };
    counts[is]++;
    said.set(lane, counts);
  }
  return Object.fromEntries([...said].map(([lane, counts]) => [lane, lnPriorFactor(counts)]));
}

function parsed(text: string): FeedbackLine | null {
  try {
    const line = JSON.parse(text) as Partial<FeedbackLine> | null;
    const isKnown = line?.is === 'benign' || line?.is === 'attack';
    const isLane = typeof line?.lane === 'string' && line.lane in LANE_INDEX;
    const isLine = isKnown && isLane && typeof line.incident === 'string';
    return isLine ? (line as FeedbackLine) : null;
  } catch {
    return null;
  }
}
