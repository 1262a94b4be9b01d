import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';
import { sh } from '../shell.js';
import { replaceSystemFile } from './system_file.js';

export const USERS = ['alice', 'bob', 'backup-agent'] as const;
export type User = (typeof USERS)[number];

const FIRST_UID = 7001;

/**
 * People who can log in by key. They exist in this mount namespace only, which the lab has for
 * itself; their passwords are random and never used, so that guessing fails for the usual reason.
 */
export function makeAccounts(lab: Lab): void {
  const secrets = lab.random('passwords');
  const passwd = USERS.map((user, i) => {
    const home = join(lab.folder, 'home', user);
    mkdirSync(home, { recursive: true });
    sh(`chown ${FIRST_UID + i}:${FIRST_UID + i} ${home}`);
    return `${user}:x:${FIRST_UID + i}:${FIRST_UID + i}:${user}:${home}:/bin/sh\n`;
  });
  const shadow = USERS.map(
    (user) => `${user}:${hashOf(secrets.bytes(12).toString('hex'))}:20000::::::\n`,
  );
  addLines(lab, '/etc/passwd', passwd);
  addLines(lab, '/etc/shadow', shadow);
  replaceSystemFile(lab, '/etc/pam.d/sshd', PAM_RULES);
  for (const user of USERS) makeKey(lab, user);
}

/** Plain password check with the usual delay after a wrong one, no session bookkeeping. */
const PAM_RULES = `auth required pam_unix.so
account required pam_unix.so
session optional pam_permit.so
`;

export function keyOf(lab: Lab, user: User): string {
  return join(lab.folder, 'keys', `${user}.key`);
}

function makeKey(lab: Lab, user: User): void {
  mkdirSync(join(lab.folder, 'keys'), { recursive: true });
  const key = keyOf(lab, user);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', user, '-f', key]);
  copyFileSync(`${key}.pub`, join(lab.folder, 'keys', user));
}

function hashOf(secret: string): string {
  return execFileSync('openssl', ['passwd', '-6', secret]).toString().trim();
}

function addLines(lab: Lab, file: string, lines: readonly string[]): void {
  replaceSystemFile(lab, file, readFileSync(file, 'utf8') + lines.join(''));
}
