import { officeName, WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import type { Random } from '../random.js';
import { PAGES, PICTURES } from '../servers/content.js';
import { pause } from '../shell.js';

const SITES = [
  `http://${officeName(WEB)}`,
  `https://${officeName(WEB)}`,
  'http://news.example',
  'https://news.example',
  'https://shop.example',
  'https://mail.example',
  'http://wiki.office.example',
] as const;

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Lab/1.0',
  'Mozilla/5.0 (X11; Linux x86_64) Lab/1.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Lab/1.0',
] as const;

/** A person who reads: a page with its pictures, a pause, the next page, now and then another site. */
export async function browse(lab: Lab, pc: string, signal: AbortSignal): Promise<void> {
  const random = lab.random(`browsing at ${pc}`);
  const agent = random.pick(AGENTS);
  let site = random.pick(SITES);
  while (await pause(random.pauseSeconds(6), signal)) {
    if (random.next() < 0.4) site = random.pick(SITES);
    await lab.run(pc, ['curl', '-sk', '-m', '10', '-A', agent, ...pageWithPictures(site, random)]);
  }
}

function pageWithPictures(site: string, random: Random): string[] {
  const page = `${site}/${random.integer(0, PAGES - 1)}.html`;
  const pictures = Array.from(
    { length: random.integer(0, 3) },
    () => `${site}/${random.integer(0, PICTURES - 1)}.jpg`,
  );
  // A link that leads nowhere is part of every web.
  const dead = random.next() < 0.05 ? [`${site}/gone-${random.integer(1, 99)}.html`] : [];
  return [page, ...pictures, ...dead].flatMap((url) => ['-o', '/dev/null', url]);
}
