import type { ActionState, Proposal } from '../domain/action.js';
import type { DecisionEntry } from '../store/decision_line.js';
import { plainPercent } from './plain_words.js';
import { impactWords, measureWords } from './proposal_text.js';
import { wrapped } from './text_layout.js';
import { plainSpan } from './time_text.js';

/** Who reads the story of an action. */
export const AUDIENCES = ['operator', 'regulator', 'customer'] as const;
export type Audience = (typeof AUDIENCES)[number];

const WIDTH = 88;

/** What the log tells of one action. */
export interface ActionStory {
  readonly id: string;
  readonly proposal: Proposal;
  /** In their order: verdicts on its incident, votes, changes of state, renewals. */
  readonly entries: readonly DecisionEntry[];
}

/** The story of one action in plain words, with what its reader has to know and may. */
export function storyText(story: ActionStory, audience: Audience): string {
  const paragraphs = WRITERS[audience](story);
  return `${paragraphs.map((text) => wrapped(text, { width: WIDTH }).join('\n')).join('\n')}\n`;
}

const WRITERS: Readonly<Record<Audience, (story: ActionStory) => string[]>> = {
  operator: forOperator,
  regulator: forRegulator,
  customer: forCustomer,
};

function forOperator({ id, proposal, entries }: ActionStory): string[] {
  const { summary, incident, confidence, severity, stage, chosen, alternatives, gates } = proposal;
  return [
    `Action ${id}: ${measureWords(chosen.measure)}`,
    `Incident ${incident}: ${sentence(summary)} It was ${severity}, in the stage '${stage}', and real with ` +
      `${plainPercent(confidence)}; detectors: ${proposal.detectors.join(', ')}.`,
    `Predicted: ${impactWords(chosen.impact)}. Expected loss ${figure(chosen.expectedLoss)}.`,
    ...alternatives.map(
      ({ measure, expectedLoss }) =>
        `Instead of it: ${measureWords(measure)}, expected loss ${figure(expectedLoss)}.`,
    ),
    ...gates.map(
      ({ name, passed, reason }) => `Gate ${name}, ${passed ? 'passed' : 'not passed'}: ${reason}`,
    ),
    '',
    ...entries.map(
      ({ number, at, kind, text }) => `${clock(at)}  ${stateOr(entries, number, kind)}: ${text}`,
    ),
  ];
}

function forRegulator({ id, proposal, entries }: ActionStory): string[] {
  const { summary, chosen, alternatives, gates, approvalsNeeded, unattended } = proposal;
  const votes = entries.filter(({ kind }) => kind === 'vote');
  const who = unattended
    ? 'It could be decided by the system alone, since every condition for that was met'
    : `It needed the consent of ${approvalsNeeded}, since not every condition for deciding without people was met`;
  return [
    `Measure ${id}, decided at ${clock(entries[0]!.at)}.`,
    `Ground: ${sentence(summary)} The finding was real with a probability of ${plainPercent(proposal.confidence)}.`,
    `Measure: ${measureWords(chosen.measure)}, for at most ${plainSpan(proposal.ttlSeconds * 1e6)} unless new evidence came.`,
    `Proportionality, weighed before: ${impactWords(chosen.impact)}.` +
      (alternatives.length === 0
        ? ' No other measure would have helped.'
        : ` Also weighed: ${alternatives.map(({ measure }) => measureWords(measure)).join('; ')}.`),
    `Decision: ${who}. Conditions: ${gates.map(({ reason }) => reason).join(' ')}`,
    ...votes.map(({ at, text }) => `${clock(at)}  ${text}`),
    `Course: ${courseOf(entries)}`,
    'All of this stands in a log of which each entry is signed and bound to the one before it; ' +
      "'thymus audit verify' checks it.",
  ];
}

/** Without names of people, detectors and addresses of others. */
function forCustomer({ proposal, entries }: ActionStory): string[] {
  const states = statesOf(entries);
  const began = states.find(({ state }) => state === 'active');
  const ended = states.find(({ state }) => ENDS.has(state));
  if (began === undefined) {
    return [
      `On ${clock(entries[0]!.at)} thymus found a threat that concerned your traffic.`,
      'Nothing was changed: your traffic was not touched.',
    ];
  }
  const { impact } = proposal.chosen;
  const share = Math.max(impact.bytesShare, impact.flowsShare);
  const until =
    ended === undefined
      ? 'It is still in force, and ends by itself.'
      : `It ended on ${clock(ended.at)}, and everything is as it was before.`;
  return [
    `From ${clock(began.at)} on, a part of your network's traffic was limited to stop a threat.`,
    `What was done: ${KIND_WORDS[proposal.chosen.measure.kind]}.`,
    impact.historySeconds === 0
      ? 'How much of normal traffic this would touch was not known before.'
      : `At most ${plainPercent(share)} of normal traffic was expected to be touched.`,
    until,
  ];
}

const KIND_WORDS: Readonly<Record<Proposal['chosen']['measure']['kind'], string>> = {
  observe: 'traffic was watched more closely; none of it was held up',
  record: 'packets were kept as evidence; none of them was held up',
  limit_sources: 'those who called one of your services too often were slowed down',
  rate_limit: 'one device was slowed down',
  block_edge: 'one device could no longer reach one service',
  sinkhole: 'one name on the internet was no longer answered',
  block_external: 'one address outside of the network could no longer be reached',
  hold_pattern: 'one device was held to what it usually does',
  blackhole: 'one address that was under attack was taken off the internet',
  isolate: 'one device was taken off the network',
};

const ENDS: ReadonlySet<ActionState> = new Set(['expired', 'rolled_back', 'failed', 'rejected']);

interface StateAt {
  readonly state: ActionState;
  readonly at: string;
  readonly text: string;
}

function statesOf(entries: readonly DecisionEntry[]): StateAt[] {
  return entries
    .filter(({ kind }) => kind === 'state')
    .map(({ data, at, text }) => ({ state: (data as unknown as StateAt).state, at, text }));
}

function courseOf(entries: readonly DecisionEntry[]): string {
  const states = statesOf(entries);
  if (states.length === 0) return 'it was never applied.';
  return states
    .map(({ state, at, text }) => `${clock(at)} ${plainState(state)} (${text.replace(/\.$/, '')})`)
    .join('; ')
    .concat('.');
}

function stateOr(
  entries: readonly DecisionEntry[],
  number: number,
  kind: DecisionEntry['kind'],
): string {
  if (kind !== 'state') return kind;
  const entry = entries.find((one) => one.number === number)!;
  return plainState((entry.data as unknown as StateAt).state);
}

const plainState = (state: ActionState): string => state.replace('_', ' ');

/** "2026-11-20 20:20:00 UTC" */
const clock = (at: string): string => `${at.slice(0, 19).replace('T', ' ')} UTC`;

const figure = (value: number): string => String(Number(value.toPrecision(3)));

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
