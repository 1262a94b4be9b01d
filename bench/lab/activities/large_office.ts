import { setMaxListeners } from 'node:events';
import { FILES, MORE_PCS, officeName, SENSORS, WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import { PAGES } from '../servers/content.js';
import { pause } from '../shell.js';

/** Mean seconds between two things a person does when the office is busiest. */
const PERSON_SECONDS = 12;
const SENSOR_SECONDS = 20;

/** What the devices do that only a large office has. The day begins at midnight. */
export async function workInLargeOffice(
  lab: Lab,
  day: { readonly daySeconds: number },
  signal: AbortSignal,
): Promise<void> {
  setMaxListeners(0, signal);
  const startMs = Date.now();
  const busy = (): number => busyness(((Date.now() - startMs) / 1000 / day.daySeconds) * 24);
  await Promise.all([
    ...MORE_PCS.map(({ name }) => workAt(lab, { pc: name, busy }, signal)),
    ...SENSORS.map(({ name }) => reportFrom(lab, name, signal)),
  ]);
}

/** Share of the busiest hour's work: little at night, most in the working hours, less at lunch. */
function busyness(hour: number): number {
  if (hour < 6 || hour >= 22) return 0.05;
  if (hour < 8 || hour >= 18) return 0.3;
  return hour >= 12 && hour < 13 ? 0.6 : 1;
}

async function workAt(
  lab: Lab,
  person: { readonly pc: string; readonly busy: () => number },
  signal: AbortSignal,
): Promise<void> {
  const { pc, busy } = person;
  const random = lab.random(`work at ${pc}`);
  const sites = [
    `http://${officeName(WEB)}`,
    `http://${officeName(FILES)}`,
    'https://shop.example',
  ];
  // Those who come late begin late.
  const diligence = random.between(0.6, 1.4);
  while (await pause((random.pauseSeconds(PERSON_SECONDS) * diligence) / busy(), signal)) {
    if (random.next() < 0.2) {
      await lab.run(pc, [
        'getent',
        'ahosts',
        random.pick(['mail.example', 'news.example', 'wpad']),
      ]);
    } else {
      const url = `${random.pick(sites)}/${random.integer(0, PAGES - 1)}.html`;
      await lab.run(pc, ['curl', '-sk', '-m', '10', '-o', '/dev/null', url]);
    }
  }
}

async function reportFrom(lab: Lab, sensor: string, signal: AbortSignal): Promise<void> {
  const random = lab.random(`reports of ${sensor}`);
  const url = `http://${officeName(FILES)}/version.txt`;
  while (await pause(SENSOR_SECONDS + random.between(-1, 1), signal)) {
    await lab.run(sensor, ['curl', '-s', '-m', '5', '-A', 'sensor/3', '-o', '/dev/null', url]);
  }
}
