import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab.js';

/** Needs `makeAccounts` first: it checks passwords as the SSH server does. */
export function startFtpServer(lab: Lab, host: string): void {
  const folder = join(lab.folder, `vsftpd-${host}`);
  mkdirSync(join(folder, 'empty'), { recursive: true });
  const file = join(folder, 'vsftpd.conf');
  const settings = [
    'listen=YES',
    'background=NO',
    'anonymous_enable=NO',
    'local_enable=YES',
    'pam_service_name=sshd',
    'xferlog_enable=NO',
    'seccomp_sandbox=NO',
    `secure_chroot_dir=${folder}/empty`,
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  lab.serve(`vsftpd ${host}`, host, ['vsftpd', file]);
}
