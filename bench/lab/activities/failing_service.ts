import { APP, officeName, PCS } from '../hosts.js';
import type { Lab } from '../lab.js';
import { APP_PORT, APP_SITE } from '../servers/index.js';
import { restartWebsite, stopWebsite } from '../servers/nginx.js';
import { pause } from '../shell.js';

const CLIENTS = PCS.slice(0, 5);

/** Several clients use a service, each in its own rhythm, and retry sooner while it fails. */
export async function useService(lab: Lab, signal: AbortSignal): Promise<void> {
  await Promise.all(CLIENTS.map(({ name }) => useServiceAt(lab, name, signal)));
}

async function useServiceAt(lab: Lab, pc: string, signal: AbortSignal): Promise<void> {
  const random = lab.random(`service use at ${pc}`);
  const url = `http://${officeName(APP)}:${APP_PORT}/version.txt`;
  let healthy = true;
  while (await pause(healthy ? random.between(4, 7) : random.between(0.5, 1.5), signal)) {
    const { exitCode } = await lab.run(pc, ['curl', '-s', '-m', '5', '-o', '/dev/null', url]);
    healthy = exitCode === 0;
  }
}

/** The service refuses connections for a while. */
export async function failForAWhile(lab: Lab, seconds: number): Promise<void> {
  await stopWebsite(lab, APP_SITE);
  await pause(seconds);
  restartWebsite(lab, APP_SITE);
}
