import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BRANCH,
  DNS,
  DOMAIN,
  GATEWAY,
  OFFICE,
  OUTSIDER,
  PUBLIC_NAMES,
  TUNNEL_DOMAIN,
  WEB,
  officeName,
} from '../hosts.js';
import type { Lab } from '../lab.js';
import { replaceSystemFile } from './system_file.js';

/** Names and DHCP leases of the office; every host asks it. */
export function startNameServer(lab: Lab): void {
  const file = join(lab.folder, 'dnsmasq.conf');
  writeFileSync(file, configuration(lab.folder));
  lab.serve('dnsmasq', DNS.name, ['dnsmasq', '--keep-in-foreground', `--conf-file=${file}`]);
  useNameServer(lab);
}

function configuration(folder: string): string {
  return [
    'user=root',
    `pid-file=${folder}/dnsmasq.pid`,
    'no-resolv',
    'no-hosts',
    'interface=eth0',
    'bind-interfaces',
    'log-facility=-',
    'quiet-dhcp',
    `domain=${DOMAIN}`,
    // What is not listed does not exist.
    'address=/#/',
    `server=/${TUNNEL_DOMAIN}/${OUTSIDER.siteEnd.split('/')[0]!}`,
    ...records(),
    'dhcp-range=10.20.0.150,10.20.0.199,2h',
    `dhcp-option=option:router,${GATEWAY.address}`,
    `dhcp-option=option:dns-server,${DNS.address}`,
    `dhcp-leasefile=${folder}/leases`,
    '',
  ].join('\n');
}

function records(): string[] {
  const office = OFFICE.map((host) => {
    // Only the web server publishes its IPv6 address, as a half-done migration would have it.
    const addresses = host === WEB ? [host.address, host.address6] : [host.address];
    return `host-record=${officeName(host)},${addresses.join(',')}`;
  });
  const branch = `host-record=wiki.${DOMAIN},${BRANCH.siteEnd.split('/')[0]!}`;
  const known = PUBLIC_NAMES.map(
    ({ name, addresses }) => `host-record=${name},${addresses.join(',')}`,
  );
  return [...office, branch, ...known];
}

function useNameServer(lab: Lab): void {
  const resolver = `search ${DOMAIN}\nnameserver ${DNS.address}\noptions timeout:2\n`;
  const order = 'passwd: files\ngroup: files\nshadow: files\nhosts: dns\nservices: files\n';
  replaceSystemFile(lab, '/etc/resolv.conf', resolver);
  replaceSystemFile(lab, '/etc/nsswitch.conf', order);
  replaceSystemFile(lab, '/etc/hosts', '127.0.0.1 localhost\n');
}
