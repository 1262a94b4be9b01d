import { joinNetwork } from '../activities/joining.js';
import { rollOut, takeInventory } from '../activities/administration.js';
import { browse } from '../activities/browsing.js';
import { failForAWhile } from '../activities/failing_service.js';
import { crowd } from '../activities/flash_crowd.js';
import { backUp } from '../activities/secure_shell.js';
import { ADMIN, APP, DEVICES, FILES, LAPTOP, WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import { pause } from '../shell.js';
import type { Scenario } from './scenario.js';

const SECONDS = 240;
const BACKUP_BYTES = 1_000_000;

/** A day in four minutes, with what makes nervous systems cry wolf. */
export const officeDay: Scenario = {
  name: 'office_day',
  shows: 'Benign: people, servers and devices at work, and everything awkward that is no attack.',
  seconds: SECONDS,
  attack: null,
  events: async (lab) => {
    await Promise.all([
      pause(SECONDS),
      at(20, () =>
        noted(lab, 'backup by scp', ['pc3', FILES.name], () => backUp(lab, 'pc3', BACKUP_BYTES)),
      ),
      at(50, () => newDevice(lab)),
      at(75, () =>
        noted(lab, 'software roll-out', [FILES.name, ...names(DEVICES)], () => rollOut(lab)),
      ),
      at(100, () => noted(lab, 'inventory by ping', [ADMIN.name], () => takeInventory(lab))),
      at(130, () => noted(lab, 'failing service', [APP.name], () => failForAWhile(lab, 35))),
      at(185, () => noted(lab, 'flash crowd', [WEB.name], () => crowd(lab))),
      at(215, () =>
        noted(lab, 'backup by scp', ['pc5', FILES.name], () =>
          backUp(lab, 'pc5', BACKUP_BYTES / 3),
        ),
      ),
    ]);
  },
};

async function newDevice(lab: Lab): Promise<void> {
  await noted(lab, 'new device joins by DHCP', [LAPTOP.name], () => joinNetwork(lab));
  await browse(lab, LAPTOP.name, AbortSignal.timeout(120_000));
}

async function at(seconds: number, event: () => Promise<unknown>): Promise<void> {
  await pause(seconds);
  await event();
}

function noted(
  lab: Lab,
  what: string,
  hosts: string[],
  work: () => Promise<void>,
): Promise<unknown> {
  return lab.log.during(what, hosts, work);
}

function names(hosts: readonly { readonly name: string }[]): string[] {
  return hosts.map(({ name }) => name);
}
