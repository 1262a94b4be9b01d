import { rollOut, scanInventory } from './activities/administration.js';
import { browse } from './activities/browsing.js';
import { failForAWhile } from './activities/failing_service.js';
import { crowd } from './activities/flash_crowd.js';
import { joinNetwork } from './activities/joining.js';
import { workInLargeOffice } from './activities/large_office.js';
import { backUp } from './activities/secure_shell.js';
import {
  ADMIN,
  APP,
  CAMERA,
  DEVICES,
  FILES,
  LAPTOP,
  MORE_PCS,
  PRINTER,
  SENSORS,
  WEB,
} from './hosts.js';
import type { Lab } from './lab.js';
import type { Activity } from './log.js';
import type { Play } from './plays.js';
import { pause } from './shell.js';

const SESSION_SECONDS = 240;
/** A day in 24 minutes. */
const DAY_SECONDS = 1440;
/** How many seconds of life one second of the large office's day stands for. */
export const DAY_ACCELERATION = 86_400 / DAY_SECONDS;
const BACKUP_BYTES = 3_000_000;
const FAILING_SECONDS = 20;

/** What is no attack, with all seven awkward kinds, each at a time of the seed's. */
export function benignPlays(): readonly Play[] {
  return [
    {
      name: 'benign-session',
      seconds: SESSION_SECONDS,
      events: (lab) => awkwardThings(lab, SESSION_SECONDS),
    },
    {
      name: 'benign-day',
      seconds: DAY_SECONDS,
      moreHosts: [...MORE_PCS, ...SENSORS],
      events: async (lab) => {
        const over = AbortSignal.timeout(DAY_SECONDS * 1000);
        const work = workInLargeOffice(lab, { daySeconds: DAY_SECONDS }, over);
        await Promise.all([work, awkwardThings(lab, DAY_SECONDS)]);
      },
    },
  ];
}

async function awkwardThings(lab: Lab, seconds: number): Promise<void> {
  const random = lab.random('awkward things');
  const devices = DEVICES.map(({ name }) => name);
  // Shares of the time, so that each has room before the end.
  const once = (activity: Activity, what: string, doing: Doing): Promise<unknown> =>
    after(random.between(0.1, 0.75) * seconds, () => lab.log.awkward(activity, what, doing));
  await Promise.all([
    pause(seconds),
    lab.log.awkward('polling', 'steady polling', {
      hosts: [CAMERA.name, PRINTER.name],
      work: () => pause(seconds - 1),
    }),
    once('backup', 'backup by scp', {
      hosts: ['pc3', FILES.name],
      work: () => backUp(lab, 'pc3', BACKUP_BYTES),
    }),
    once('roll_out', 'software roll-out', {
      hosts: [FILES.name, ...devices],
      work: () => rollOut(lab),
    }),
    once('admin_scan', 'inventory by nmap', {
      hosts: [ADMIN.name],
      work: () => scanInventory(lab),
    }),
    once('failing_service', 'service refuses its clients', {
      hosts: [APP.name],
      work: () => failForAWhile(lab, FAILING_SECONDS),
    }),
    once('flash_crowd', 'flash crowd', { hosts: [WEB.name], work: () => crowd(lab) }),
    after(random.between(0.1, 0.6) * seconds, () => newDevice(lab, seconds)),
  ]);
}

interface Doing {
  readonly hosts: readonly string[];
  readonly work: () => Promise<unknown>;
}

async function newDevice(lab: Lab, seconds: number): Promise<void> {
  await lab.log.awkward('new_device', 'new device joins by DHCP', {
    hosts: [LAPTOP.name],
    work: () => joinNetwork(lab),
  });
  await browse(lab, LAPTOP.name, AbortSignal.timeout(0.3 * seconds * 1000));
}

async function after(seconds: number, event: () => Promise<unknown>): Promise<void> {
  await pause(seconds);
  await event();
}
