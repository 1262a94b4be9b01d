import { join } from 'node:path';

/*
 * What the responder keeps, in a directory that only its owner can enter.
 *
 *   STATE/response/respond.sock       where it listens (proto/response.proto)
 *   STATE/response/respond.lock       held by the one that runs; its process
 *   STATE/response/respond.log        what it said on standard error
 *   STATE/response/actuators.json     through what it acts, so that a panic needs no settings
 *   STATE/response/actions.journal    what is being done (action_journal.ts)
 *   STATE/response/decisions.log      what was decided, and by what (decision_log.ts)
 *   STATE/response/decisions-*.log    files of it that are closed (decision_files.ts)
 *   STATE/response/decisions.head     its signed end
 *   STATE/response/decisions.key      the key that signs, readable by its owner only
 *   STATE/response/decisions.pub      the key that checks; give it to those who audit
 */

export interface ResponseFiles {
  readonly directory: string;
  readonly socket: string;
  readonly lock: string;
  readonly messages: string;
  readonly actuators: string;
  readonly journal: string;
  readonly log: string;
  readonly head: string;
  readonly key: string;
  readonly publicKey: string;
}

export function responseFiles(stateDirectory: string): ResponseFiles {
  const directory = join(stateDirectory, 'response');
  const at = (name: string): string => join(directory, name);
  return {
    directory,
    socket: at('respond.sock'),
    lock: at('respond.lock'),
    messages: at('respond.log'),
    actuators: at('actuators.json'),
    journal: at('actions.journal'),
    log: at('decisions.log'),
    head: at('decisions.head'),
    key: at('decisions.key'),
    publicKey: at('decisions.pub'),
  };
}
