import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { ResponderClient } from '../api/responder_client.js';
import { actionLine, actionsText } from '../api/actions_text.js';
import { lookOf } from '../api/text_layout.js';
import { loadSettings } from '../config/load.js';
import type { Vote } from '../domain/action_record.js';
import { ThymusError } from '../errors.js';
import { openActuators } from '../response/actuators/open.js';
import { responseFiles, type ResponseFiles } from '../store/response_files.js';
import { actuatorParts } from './actuator_parts.js';
import { actuatorSettings } from './actuator_settings.js';
import { complain, print } from './console.js';
import { EXIT } from './exit.js';
import type { ActionsFlags, PanicFlags, StateFlags, VoteFlags } from './flags.js';
import { panicAll } from './panic_all.js';
import { settingsOf } from './setting_flags.js';
import { stateDirectory } from './state_directory.js';

/** `thymus actions` @returns the exit code */
export async function actionsCommand(flags: ActionsFlags): Promise<number> {
  const list = await withResponder(flags, (client) => client.list(flags.all ?? false));
  if (flags.json) print(list.actions.map(actionLine).join(''));
  else print(actionsText(list, lookOf(process.stdout, process.env)));
  return EXIT.DONE;
}

/** `thymus approve ID` and `thymus reject ID` @returns the exit code */
export async function voteCommand(
  id: string,
  says: Vote['says'],
  flags: VoteFlags,
): Promise<number> {
  const said = await withResponder(flags, (client) => client.vote(id, nameOf(flags), says));
  answer(flags, said.actionId, said.text);
  return EXIT.DONE;
}

/** `thymus rollback ID` @returns the exit code */
export async function rollBackCommand(id: string, flags: VoteFlags): Promise<number> {
  const reason = flags.because ?? '';
  const said = await withResponder(flags, (client) => client.rollBack(id, nameOf(flags), reason));
  answer(flags, said.actionId, said.text);
  return EXIT.DONE;
}

/** `thymus panic` @returns the exit code */
export async function panicCommand(flags: PanicFlags): Promise<number> {
  const files = await filesOf(flags);
  const by = nameOf(flags);
  if (flags.over) {
    await withResponder(flags, (client) => client.liftPanic(by));
    print('Actions may be applied again.\n');
    return EXIT.DONE;
  }
  if (flags.config === undefined && !existsSync(files.journal)) {
    const message = 'Nothing has ever responded here: give its --state, or its --config.';
    throw new ThymusError('RESPONDER_ABSENT', message);
  }
  const settings = await actuatorSettings(files, flags.config ?? null);
  const parts = await actuatorParts(settings);
  const result = await panicAll({ files, by, actuators: () => openActuators(settings, parts) });
  if (flags.json) print(`${JSON.stringify(result)}\n`);
  else {
    const { killed } = result;
    if (killed !== null) complain(`thymus: process ${killed} did not answer and was ended.\n`);
    for (const text of result.left) complain(`thymus: ${text}\n`);
    print("Everything was called off; nothing is applied until 'thymus panic --over'.\n");
  }
  return result.left.length === 0 ? EXIT.DONE : EXIT.FAILED;
}

async function withResponder<T>(
  flags: StateFlags,
  ask: (client: ResponderClient) => Promise<T>,
): Promise<T> {
  const { socket } = await filesOf(flags);
  const client = await ResponderClient.connect({ path: socket, role: 'cli' });
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

async function filesOf(flags: StateFlags): Promise<ResponseFiles> {
  const settings = await loadSettings(settingsOf(flags), flags.config ?? null);
  return responseFiles(stateDirectory(settings));
}

/** Whoever may reach the socket is believed; the log keeps who they said they are. */
function nameOf(flags: VoteFlags): string {
  return flags.as ?? process.env['SUDO_USER'] ?? userInfo().username;
}

function answer(flags: StateFlags, id: string, text: string): void {
  print(flags.json ? `${JSON.stringify({ id, text })}\n` : `${id} is ${text}\n`);
}
