import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import { ITEMS } from '../servers/content.js';
import { OUTSIDE, shell, type SetAttack } from './set_attack.js';

const REQUESTS_PER_SECOND = 10;
const GUESSES = 400;
const URL_LIST = 'urls.txt';

const web = {
  attackers: [OUTSIDE],
  victims: [WEB.address],
  host: 'outsider',
  seconds: 40,
  filter: `host ${OUTSIDE.address} and host ${WEB.address} and tcp port 80`,
} as const;

const scraping = {
  ...web,
  kind: 'scraping',
  stage: 'collect',
  technique: 'T1213',
  techniqueName: 'Data from Information Repositories',
} as const;

const survey = {
  ...web,
  kind: 'survey',
  stage: 'recon',
  technique: 'T1595.003',
  techniqueName: 'Active Scanning: Wordlist Scanning',
} as const;

export const WEB_SURVEY: readonly SetAttack[] = [
  {
    ...scraping,
    name: 'scraping-curl',
    tool: 'curl',
    split: 'tune',
    command: (lab) => curl(lab, `http://${WEB.address}/api/items/[0-${ITEMS - 1}]`),
  },
  {
    ...scraping,
    name: 'scraping-wget',
    tool: 'wget',
    split: 'test',
    command: (lab) => wget(lab, items()),
  },
  {
    ...survey,
    name: 'survey-curl',
    tool: 'curl',
    split: 'tune',
    command: (lab) => curl(lab, `http://${WEB.address}/admin-[1-${GUESSES}]`),
  },
  {
    ...survey,
    name: 'survey-wget',
    tool: 'wget',
    split: 'test',
    command: (lab) => wget(lab, guesses(lab)),
  },
];

function curl(lab: Lab, url: string): string[] {
  const perMinute = Math.round(60 * REQUESTS_PER_SECOND * lab.intensity);
  return ['curl', '-s', '--rate', `${perMinute}/m`, '-o', '/dev/null', url];
}

function wget(lab: Lab, paths: readonly string[]): string[] {
  const file = join(lab.folder, URL_LIST);
  writeFileSync(file, paths.map((path) => `http://${WEB.address}${path}\n`).join(''));
  const wait = 1 / (REQUESTS_PER_SECOND * lab.intensity);
  return shell([`wget -q -t 1 -O /dev/null --wait ${wait} -i ${file}`]);
}

function items(): string[] {
  return Array.from({ length: ITEMS }, (_, i) => `/api/items/${i}`);
}

/** Paths that sites often have and this one has not. */
function guesses(lab: Lab): string[] {
  const random = lab.random('paths');
  const stems = ['admin', 'backup', 'old', 'test', 'config', 'db', 'login', 'phpinfo', 'shell'];
  const ends = ['', '.php', '.bak', '.zip', '/index.php', '.old'];
  return Array.from(
    { length: GUESSES },
    () => `/${random.pick(stems)}${random.integer(1, 99)}${random.pick(ends)}`,
  );
}
