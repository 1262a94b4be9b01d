import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { FILES, LOGIN, PCS, WEB } from '../hosts.js';
import type { Lab } from '../lab.js';
import { startFtpServer } from '../servers/vsftpd.js';
import { GUARDED_PATH } from '../servers/nginx.js';
import { at, OUTSIDE, type SetAttack } from './set_attack.js';

const INSIDER = PCS[5]!;
const WORD_LIST = 'guesses.txt';
const WORDS = 400;

const guessing = {
  stage: 'cred',
  technique: 'T1110.001',
  techniqueName: 'Brute Force: Password Guessing',
} as const;

const ssh = {
  ...guessing,
  kind: 'guessing_ssh',
  attackers: [OUTSIDE],
  victims: [LOGIN.address],
  host: 'outsider',
  seconds: 50,
  prepare: writeWords,
  filter: `host ${OUTSIDE.address} and host ${LOGIN.address} and tcp port 22`,
} as const;

const ftp = {
  ...guessing,
  kind: 'guessing_ftp',
  attackers: [at(INSIDER)],
  victims: [FILES.address],
  host: INSIDER.name,
  seconds: 40,
  prepare: (lab: Lab) => {
    writeWords(lab);
    startFtpServer(lab, FILES.name);
  },
  filter: `host ${INSIDER.address} and host ${FILES.address} and tcp port 21`,
} as const;

const web = {
  ...guessing,
  kind: 'guessing_http',
  attackers: [OUTSIDE],
  victims: [WEB.address],
  host: 'outsider',
  seconds: 40,
  prepare: writeWords,
  filter: `host ${OUTSIDE.address} and host ${WEB.address} and tcp port 80`,
} as const;

export const GUESSING: readonly SetAttack[] = [
  {
    ...ssh,
    name: 'guessing_ssh-hydra',
    tool: 'hydra',
    split: 'tune',
    command: (lab) => [...hydra(lab, 12), `ssh://${LOGIN.address}`],
  },
  {
    ...ssh,
    name: 'guessing_ssh-ncrack',
    tool: 'ncrack',
    split: 'test',
    command: (lab) => ncrack(lab, `ssh://${LOGIN.address}`, 500),
  },
  {
    ...ftp,
    name: 'guessing_ftp-hydra',
    tool: 'hydra',
    split: 'tune',
    command: (lab) => [...hydra(lab, 10), `ftp://${FILES.address}`],
  },
  {
    ...ftp,
    name: 'guessing_ftp-medusa',
    tool: 'medusa',
    split: 'test',
    command: (lab) => [
      ...['medusa', '-h', FILES.address, '-u', 'alice', '-P', words(lab), '-M', 'ftp', '-v', '2'],
      ...['-t', String(Math.max(1, Math.round(4 * lab.intensity)))],
    ],
  },
  {
    ...web,
    name: 'guessing_http-hydra',
    tool: 'hydra',
    split: 'tune',
    command: (lab) => [...hydra(lab, 5), WEB.address, 'http-get', GUARDED_PATH],
  },
  {
    ...web,
    name: 'guessing_http-ncrack',
    tool: 'ncrack',
    split: 'test',
    command: (lab) => ncrack(lab, `http://${WEB.address}`, 100, `path=${GUARDED_PATH.slice(1)}`),
  },
];

/** At a twentieth it waits between guesses, so many seconds. */
function hydra(lab: Lab, waitSeconds: number): string[] {
  const { intensity } = lab;
  const pace =
    intensity > 0.25 ? ['-t', '4'] : intensity > 0.05 ? ['-t', '1'] : ['-c', String(waitSeconds)];
  return ['hydra', '-I', '-l', 'alice', '-P', words(lab), ...pace];
}

/** Pauses of so many milliseconds between a connection's guesses at full pace. */
function ncrack(lab: Lab, target: string, pauseMs: number, more = ''): string[] {
  const pause = `cd=${Math.round(pauseMs / lab.intensity)}ms`;
  const connections = lab.intensity > 0.25 ? 3 : 1;
  return [
    ...['ncrack', '--user', 'alice', '-P', words(lab), '-f'],
    [target, `cl=${connections}`, `CL=${connections}`, 'at=1', pause, more]
      .filter((part) => part !== '')
      .join(','),
  ];
}

function words(lab: Lab): string {
  return join(lab.folder, WORD_LIST);
}

/** None of them is right, since the right ones are random. */
function writeWords(lab: Lab): void {
  const random = lab.random('guesses');
  const stems = ['password', 'welcome', 'summer', 'winter', 'dragon', 'letmein', 'office', 'alice'];
  const lines = Array.from(
    { length: WORDS },
    () => `${random.pick(stems)}${random.integer(1, 2026)}`,
  );
  writeFileSync(words(lab), `${lines.join('\n')}\n`);
}
