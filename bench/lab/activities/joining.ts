import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAPTOP } from '../hosts.js';
import type { Lab } from '../lab.js';
import { sh, inside } from '../shell.js';

/** A device nobody has seen before: it comes up, asks for an address, and goes to work. */
export async function joinNetwork(lab: Lab): Promise<void> {
  const script = join(lab.folder, 'lease.sh');
  writeFileSync(script, LEASE_SCRIPT);
  chmodSync(script, 0o755);
  sh(inside(LAPTOP.name, ['ip', 'link', 'set', 'eth0', 'up']).join(' '));
  const client = [
    'udhcpc',
    '-f',
    '-q',
    '-n',
    '-i',
    'eth0',
    '-s',
    script,
    '-x',
    'hostname:laptop-7',
  ];
  await lab.must(LAPTOP.name, client);
}

/** What udhcpc calls with the lease in its environment. */
const LEASE_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
`;
