import { join } from 'node:path';
import { APP, FILES, LOGIN, TIME_SERVER, WEB, officeName } from '../hosts.js';
import type { Lab } from '../lab.js';
import { programFile } from '../programs/index.js';
import { makeAccounts } from './accounts.js';
import { writeBlob } from './content.js';
import { startNameServer } from './dnsmasq.js';
import { startWebsite, type Website } from './nginx.js';
import { startSshServer } from './sshd.js';

export const APP_PORT = 8080;
export const APP_SITE: Website = site('app', APP.name, [APP_PORT], false);

const SITES: readonly Website[] = [
  site(officeName(WEB), WEB.name, [80], true),
  site(officeName(FILES), FILES.name, [80], false),
  site('wiki', 'branch', [80], false),
  site('shop.example', 'internet', [80], true),
  APP_SITE,
];

export const ROLLOUT_FILE = 'rollout.bin';
const ROLLOUT_BYTES = 100_000;

/** Every server of the office and beyond. */
export async function startServers(lab: Lab): Promise<void> {
  startNameServer(lab);
  makeAccounts(lab);
  for (const each of SITES) {
    const root = await startWebsite(lab, each);
    if (each.host !== FILES.name) continue;
    writeBlob(join(root, ROLLOUT_FILE), lab.random('roll-out'), ROLLOUT_BYTES);
  }
  for (const host of [LOGIN.name, FILES.name]) startSshServer(lab, host);
  lab.serve('time', 'internet', [process.execPath, programFile('time_server'), TIME_SERVER]);
}

function site(name: string, host: string, ports: readonly number[], tls: boolean): Website {
  return { name, host, ports, tls };
}
