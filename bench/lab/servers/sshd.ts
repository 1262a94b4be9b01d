import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';

/** Needs `makeAccounts` first. */
export function startSshServer(lab: Lab, host: string): void {
  const folder = join(lab.folder, `sshd-${host}`);
  mkdirSync(folder, { recursive: true });
  mkdirSync('/run/sshd', { recursive: true });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host.key')]);
  writeFileSync(join(folder, 'sshd_config'), configuration(lab, folder));
  lab.serve(`sshd ${host}`, host, ['/usr/sbin/sshd', '-D', '-e', '-f', `${folder}/sshd_config`]);
}

function configuration(lab: Lab, folder: string): string {
  return [
    'Port 22',
    `HostKey ${folder}/host.key`,
    `PidFile ${folder}/pid`,
    `AuthorizedKeysFile ${lab.folder}/keys/%u`,
    'StrictModes no',
    'UsePAM yes',
    'PasswordAuthentication yes',
    'KbdInteractiveAuthentication no',
    'UseDNS no',
    'PrintMotd no',
    'Subsystem sftp internal-sftp',
    'LogLevel ERROR',
    '',
  ].join('\n');
}
