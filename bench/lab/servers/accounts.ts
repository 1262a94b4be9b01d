import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';
import { sh } from '../shell.js';

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
  overlay(lab, '/etc/passwd', passwd.join(''));
  overlay(lab, '/etc/shadow', shadow.join(''));
  // Plain password check with the usual delay after a wrong one, no session bookkeeping.
  const pam = [
    'auth required pam_unix.so',
    'account required pam_unix.so',
    'session optional pam_permit.so',
  ];
  sh(
    `mount --bind ${written(join(lab.folder, 'pam-sshd'), pam.join('\n') + '\n')} /etc/pam.d/sshd`,
  );
  for (const user of USERS) makeKey(lab, user);
}

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

/** Adds lines to a system file, as seen from this mount namespace. */
function overlay(lab: Lab, file: string, lines: string): void {
  const copy = join(lab.folder, file.replaceAll('/', '-').slice(1));
  sh(`mount --bind ${written(copy, readFileSync(file, 'utf8') + lines)} ${file}`);
}

function written(file: string, text: string): string {
  writeFileSync(file, text);
  return file;
}
