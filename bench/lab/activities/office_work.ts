import { setMaxListeners } from 'node:events';
import { ADMIN, PCS } from '../hosts.js';
import type { Lab } from '../lab.js';
import { browse } from './browsing.js';
import { useService } from './failing_service.js';
import { lookUp } from './lookups.js';
import { poll } from './polling.js';
import { checkHealth, workRemotely } from './secure_shell.js';

/** What goes on in the office all the time, until the signal. */
export async function workInOffice(lab: Lab, signal: AbortSignal): Promise<void> {
  // Dozens of pauses wait for this one signal.
  setMaxListeners(0, signal);
  await Promise.all([
    poll(lab, signal),
    useService(lab, signal),
    checkHealth(lab, ADMIN.name, signal),
    workRemotely(lab, { pc: 'pc1', user: 'alice' }, signal),
    workRemotely(lab, { pc: 'pc2', user: 'bob' }, signal),
    ...PCS.map(({ name }) => browse(lab, name, signal)),
    ...PCS.map(({ name }) => lookUp(lab, name, signal)),
  ]);
}
