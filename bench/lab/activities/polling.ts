import { CAMERA, DEVICES, FILES, officeName, PCS, PRINTER, TIME_SERVER } from '../hosts.js';
import type { Lab } from '../lab.js';
import { programFile } from '../programs/index.js';
import { pause } from '../shell.js';

const TALKERS = [...PCS.slice(0, 4), PRINTER];

/** Devices that ask the same thing at the same interval, day and night. */
export async function poll(lab: Lab, signal: AbortSignal): Promise<void> {
  startTimeClients(lab);
  startChatter(lab);
  const settings = `http://${officeName(FILES)}/version.txt`;
  const updates = 'http://updates.example/version.txt';
  await Promise.all([
    fetchEvery(lab, { host: CAMERA.name, url: settings, seconds: 5 }, signal),
    fetchEvery(lab, { host: PRINTER.name, url: settings, seconds: 7 }, signal),
    ...PCS.map(({ name }) => fetchEvery(lab, { host: name, url: updates, seconds: 15 }, signal)),
  ]);
}

function startTimeClients(lab: Lab): void {
  for (const { name } of DEVICES) {
    const seconds = lab.random(`time at ${name}`).integer(8, 16);
    const program = [programFile('time_client'), TIME_SERVER, String(seconds)];
    lab.serve(`time at ${name}`, name, [process.execPath, ...program]);
  }
}

function startChatter(lab: Lab): void {
  for (const { name, address } of TALKERS) {
    const seconds = lab.random(`chatter at ${name}`).integer(12, 30);
    const program = [programFile('chatter'), address, name, String(seconds)];
    lab.serve(`chatter at ${name}`, name, [process.execPath, ...program]);
  }
}

interface Polling {
  readonly host: string;
  readonly url: string;
  readonly seconds: number;
}

async function fetchEvery(lab: Lab, polling: Polling, signal: AbortSignal): Promise<void> {
  const { host, url, seconds } = polling;
  const random = lab.random(`polling at ${host} of ${url}`);
  let wait = random.between(0, seconds);
  while (await pause(wait, signal)) {
    await lab.run(host, ['curl', '-s', '-m', '5', '-A', 'lab-agent/2', '-o', '/dev/null', url]);
    wait = seconds + random.between(-0.05, 0.05);
  }
}
