import type { DeskState } from '../domain/action_record.js';
import type { ActionNews } from './action_message.js';
import { counted, plainPercent } from './plain_words.js';
import { impactWords, measureWords } from './proposal_text.js';
import type { ActionList } from './responder_client.js';
import { wrapped, type Look } from './text_layout.js';
import { plainSpan, plainTime } from './time_text.js';

const US_PER_MS = 1000;
const MS_PER_S = 1000;
const MOST_ALTERNATIVES = 3;

/** `thymus actions`: how the responder stands, and each action with what it waits for. */
export function actionsText({ desk, actions, leftOut }: ActionList, look: Look): string {
  const lines = [...deskLines(desk), ''];
  if (actions.length === 0) lines.push('Nothing is in force and nothing waits.');
  for (const action of actions) lines.push(...actionLines(action, look), '');
  if (leftOut > 0) lines.push(`${leftOut} more are not shown.`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function deskLines({ mode, halt, ledger, actuators, differences }: DeskState): string[] {
  const through =
    actuators.length === 0 ? 'nothing: no actuator is configured' : actuators.join(', ');
  const lines = [`Mode ${mode}, acting through ${through}.`];
  if (halt !== null) {
    const at = plainTime(halt.atMs * US_PER_MS);
    lines.push(
      `${halt.by} called everything off at ${at} UTC: nothing is applied until 'thymus panic --over'.`,
    );
  }
  const share = plainPercent(ledger.fleetShare);
  const devices = counted(ledger.devices.length, 'address', 'addresses');
  lines.push(`In the last hour ${share} of normal bytes and ${devices} were touched.`);
  return [...lines, ...differences];
}

function actionLines(action: ActionNews, { width, ink }: Look): string[] {
  const { id, state, proposal, reason, holders } = action;
  const what = measureWords(proposal.chosen.measure);
  const indented = (text: string): string[] => wrapped(text, { width, first: '  ', rest: '  ' });
  const colour = state === 'pending' ? ink.yellow : state === 'failed' ? ink.red : ink.bold;
  const lines = [
    `${ink.bold(id)}  ${colour(state)}  ${what}${timeWords(action)}`,
    ...indented(`${proposal.summary} (incident ${proposal.incident})`),
    ...indented(reason),
  ];
  if (state === 'pending') lines.push(...questionLines(action).flatMap(indented));
  for (const holder of holders) {
    if (holder.reason !== '') lines.push(...indented(`${holder.actuator}: ${holder.reason}`));
  }
  return lines;
}

/** What somebody who is asked has to know. */
function questionLines({ proposal, votes, approvalsNeeded, id }: ActionNews): string[] {
  const { chosen, gates, alternatives } = proposal;
  const failed = gates.filter(({ passed }) => !passed).map(({ reason }) => reason);
  const approved = votes.filter(({ says }) => says === 'approve').map(({ by }) => by);
  const others = alternatives
    .slice(0, MOST_ALTERNATIVES)
    .map(({ measure }) => measureWords(measure));
  return [
    `If it is approved, ${impactWords(chosen.impact)}.`,
    ...(failed.length > 0 ? [`Why somebody is asked: ${failed.join('; ')}.`] : []),
    ...(others.length > 0 ? [`Instead of it: ${others.join('; ')}.`] : []),
    `${approved.length} of ${approvalsNeeded} approvals${approved.length > 0 ? ` (${approved.join(', ')})` : ''}: ` +
      `thymus approve ${id}, or thymus reject ${id}`,
  ];
}

function timeWords({ state, answerInMs, expiresInMs, proposal, sinceMs }: ActionNews): string {
  if (state === 'pending' && answerInMs !== null) {
    const becomes = proposal.onDeadline === 'approve' ? 'applied' : 'rejected';
    return `, ${becomes} in ${timeLeft(answerInMs)} when nobody answers`;
  }
  if (expiresInMs !== null) return `, for ${timeLeft(expiresInMs)} more`;
  return `, since ${plainTime(sinceMs * US_PER_MS)} UTC`;
}

/** Never more than there is. */
function timeLeft(ms: number): string {
  const whole = ms < MS_PER_S ? ms : Math.floor(ms / MS_PER_S) * MS_PER_S;
  return plainSpan(whole * US_PER_MS);
}

/** One action as a line of JSON. */
export function actionLine(action: ActionNews): string {
  return `${JSON.stringify(action)}\n`;
}
