import { isDeepStrictEqual } from 'node:util';
import { AUDIENCES, storyText, type ActionStory, type Audience } from '../api/audit_text.js';
import { counted } from '../api/plain_words.js';
import { loadSettings } from '../config/load.js';
import type { Proposal } from '../domain/action.js';
import type { DecisionInputs } from '../domain/decision.js';
import { ThymusError } from '../errors.js';
import { decide } from '../policy/decide.js';
import { checkDecisions, type Checked } from '../store/decision_check.js';
import type { DecisionEntry } from '../store/decision_line.js';
import { checkingKey } from '../store/log_key.js';
import { responseFiles, type ResponseFiles } from '../store/response_files.js';
import { complain, print } from './console.js';
import { EXIT } from './exit.js';
import type { AuditFlags, StateFlags } from './flags.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/** What an entry of a proposal holds. */
interface Proposed {
  readonly proposal: Proposal;
  readonly inputs: DecisionInputs | null;
}

/** `thymus audit verify` @returns the exit code */
export async function auditVerifyCommand(flags: StateFlags): Promise<number> {
  const checked = await check(await filesOf(flags));
  const { entries, hash, fault } = checked;
  if (flags.json) print(`${JSON.stringify(checked)}\n`);
  else if (fault === null) {
    print(
      `${counted(entries, 'entry', 'entries')}, none of them changed, none missing. The last one's hash is ${hash}.\n`,
    );
  }
  if (fault === null) return EXIT.DONE;
  complain(`thymus: The decision log was tampered with or damaged: ${fault}\n`);
  return EXIT.FAILED;
}

/** `thymus audit show ID` @returns the exit code */
export async function auditShowCommand(name: string, flags: AuditFlags): Promise<number> {
  const audience = audienceOf(flags.for);
  const stories = await storiesOf(await filesOf(flags), name);
  if (stories.length === 0) {
    const message = `The decision log knows no '${name}': give an action's or an incident's number.`;
    throw new ThymusError('NO_SUCH_ACTION', message);
  }
  if (flags.json) print(stories.map((story) => `${JSON.stringify(story)}\n`).join(''));
  else print(stories.map((story) => storyText(story, audience)).join('\n'));
  return EXIT.DONE;
}

/** `thymus audit replay`: each decision is made again of what it was made of. */
export async function auditReplayCommand(flags: StateFlags): Promise<number> {
  let same = 0;
  const others: string[] = [];
  const { fault } = await check(await filesOf(flags), ({ kind, action, data }) => {
    if (kind !== 'proposal') return;
    const { proposal, inputs } = data as unknown as Proposed;
    if (inputs === null) return;
    if (isDeepStrictEqual(plain(decide(inputs)), plain(proposal))) same++;
    else others.push(action ?? proposal.id);
  });
  if (flags.json) print(`${JSON.stringify({ same, others, fault })}\n`);
  else print(`${same} decisions come out the same again, ${others.length} do not.\n`);
  if (fault !== null) complain(`thymus: The decision log was tampered with or damaged: ${fault}\n`);
  for (const id of others) {
    complain(
      `thymus: Action ${id} would be decided otherwise: is this another version of thymus?\n`,
    );
  }
  return fault === null && others.length === 0 ? EXIT.DONE : EXIT.FAILED;
}

/** Of one action, or of all of an incident. */
async function storiesOf(files: ResponseFiles, name: string): Promise<ActionStory[]> {
  const stories = new Map<string, { proposal: Proposal; entries: DecisionEntry[] }>();
  const verdicts = new Map<string, DecisionEntry[]>();
  const { fault } = await check(files, (entry) => {
    const { kind, action, incident, data } = entry;
    if (kind === 'verdict' && incident !== undefined) {
      verdicts.set(incident, [...(verdicts.get(incident) ?? []), entry]);
    }
    if (action === undefined) return;
    if (kind === 'proposal') {
      const { proposal } = data as unknown as Proposed;
      const isMeant = [proposal.id, proposal.incident].includes(name) || action.startsWith(name);
      if (!isMeant) return;
      const before = verdicts.get(proposal.incident) ?? [];
      stories.set(action, { proposal, entries: [...before] });
    }
    stories.get(action)?.entries.push(entry);
  });
  if (fault !== null) complain(`thymus: This log was tampered with or damaged: ${fault}\n`);
  return [...stories].map(([id, { proposal, entries }]) => ({ id, proposal, entries }));
}

function check(files: ResponseFiles, onEntry?: (entry: DecisionEntry) => void): Promise<Checked> {
  return checkDecisions(files, checkingKey(files.publicKey), onEntry);
}

async function filesOf(flags: StateFlags): Promise<ResponseFiles> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  return responseFiles(stateDirectory(settings));
}

function audienceOf(text = 'operator'): Audience {
  const audience = AUDIENCES.find((one) => one === text);
  if (audience !== undefined) return audience;
  const message = `'--for' must be one of ${AUDIENCES.join(', ')}, not '${text}'.`;
  throw new ThymusError('USAGE', message);
}

/** As it comes back from JSON: what is undefined is not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
