import { join } from 'node:path';
import { FILES, LOGIN, officeName } from '../hosts.js';
import type { Lab } from '../lab.js';
import { keyOf, type User } from '../servers/accounts.js';
import { writeBlob } from '../servers/content.js';
import { pause } from '../shell.js';

/** What people and scripts do at a remote shell: from a glance to seconds of output. */
const COMMANDS = [
  'uptime',
  'ls -la /usr/bin | head -40',
  'cat /etc/services',
  'for i in 1 2 3 4 5; do date; sleep 0.7; done',
  'ls -laR /usr/share/doc | head -400',
  'sleep 3; df',
] as const;

/** Logs in by key again and again, as a person at work. */
export async function workRemotely(
  lab: Lab,
  who: { readonly pc: string; readonly user: User },
  signal: AbortSignal,
): Promise<void> {
  const random = lab.random(`remote work of ${who.user}`);
  while (await pause(random.pauseSeconds(9), signal)) {
    await lab.run(who.pc, ssh(lab, who.user, [random.pick(COMMANDS)]));
  }
}

/** The same short command at the same server every few seconds, as a monitoring script. */
export async function checkHealth(lab: Lab, admin: string, signal: AbortSignal): Promise<void> {
  const random = lab.random('health checks');
  while (await pause(random.between(9, 11), signal)) {
    await lab.run(admin, ssh(lab, 'bob', ['uptime']));
  }
}

/** One large upload. */
export async function backUp(lab: Lab, pc: string, bytes: number): Promise<void> {
  const file = join(lab.folder, `backup-${pc}.tar`);
  writeBlob(file, lab.random(`backup of ${pc}`), bytes);
  const target = `backup-agent@${officeName(FILES)}:backup-${pc}.tar`;
  await lab.must(pc, ['scp', '-q', ...options(lab, 'backup-agent'), file, target]);
}

function ssh(lab: Lab, user: User, command: readonly string[]): string[] {
  return ['ssh', ...options(lab, user), `${user}@${officeName(LOGIN)}`, ...command];
}

function options(lab: Lab, user: User): string[] {
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'IdentitiesOnly=yes',
  ];
  return ['-F', 'none', '-i', keyOf(lab, user), ...settings.flatMap((each) => ['-o', each])];
}
