import type { Lab } from '../lab.js';
import { PAGES } from '../servers/content.js';
import { WEB } from '../hosts.js';
import { pause } from '../shell.js';

const VISITORS = 60;
const SECONDS = 6;

/** Strangers from the internet who all come at once, each with several short connections. */
export async function crowd(lab: Lab): Promise<void> {
  await Promise.all(Array.from({ length: VISITORS }, (_, i) => visit(lab, `198.18.0.${i + 1}`)));
}

async function visit(lab: Lab, address: string): Promise<void> {
  const random = lab.random(`visitor ${address}`);
  await pause(random.between(0, SECONDS));
  const urls = Array.from(
    { length: random.integer(3, 6) },
    () => `http://${WEB.address}/${random.integer(0, PAGES - 1)}.html`,
  );
  const once = ['curl', '-s', '-m', '20', '--interface', address, '-H', 'Connection: close'];
  await lab.run('internet', [...once, ...urls.flatMap((url) => ['-o', '/dev/null', url])]);
}
