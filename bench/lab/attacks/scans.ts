import { BRANCH_PREFIX, FILES, PCS } from '../hosts.js';
import { at, type SetAttack } from './set_attack.js';

const SWEEPER = PCS[3]!;
const PROBER = PCS[4]!;
const PROBES_PER_SECOND = 40;
const PORTS_PER_SECOND = 80;

const discovery = {
  stage: 'recon',
  technique: 'T1046',
  techniqueName: 'Network Service Discovery',
  seconds: 40,
} as const;

const sweep = {
  ...discovery,
  kind: 'scan_horizontal',
  attackers: [at(SWEEPER)],
  victims: [BRANCH_PREFIX],
  host: SWEEPER.name,
  filter: `host ${SWEEPER.address} and net ${BRANCH_PREFIX} and tcp port (22 or 445 or 3389)`,
} as const;

const probe = {
  ...discovery,
  kind: 'scan_vertical',
  attackers: [at(PROBER)],
  victims: [FILES.address],
  host: PROBER.name,
} as const;

export const SCANS: readonly SetAttack[] = [
  {
    ...sweep,
    name: 'scan_horizontal-nmap',
    tool: 'nmap',
    split: 'tune',
    command: ({ intensity }) => [
      ...['nmap', '-n', '-Pn', '-sS', '-p', '22,445,3389', '--max-retries', '1'],
      ...['--max-rate', String(PROBES_PER_SECOND * intensity), BRANCH_PREFIX],
    ],
  },
  {
    ...sweep,
    name: 'scan_horizontal-masscan',
    tool: 'masscan',
    split: 'test',
    command: ({ intensity }) => [
      ...['masscan', '-e', 'eth0', '-p', '22,445,3389', '--wait', '2'],
      ...['--rate', String(PROBES_PER_SECOND * intensity), BRANCH_PREFIX],
    ],
  },
  {
    ...probe,
    name: 'scan_vertical-nmap',
    tool: 'nmap',
    split: 'tune',
    command: ({ intensity }) => [
      ...['nmap', '-n', '-Pn', '-sS', '-g', '40000', '--max-rate'],
      ...[String(PORTS_PER_SECOND * intensity), FILES.address],
    ],
    filter: `host ${PROBER.address} and host ${FILES.address} and tcp port 40000`,
  },
  {
    ...probe,
    name: 'scan_vertical-masscan',
    tool: 'masscan',
    split: 'test',
    command: ({ intensity }) => [
      ...['masscan', '-e', 'eth0', '-p', '1-1000', '--source-port', '60000', '--wait', '2'],
      ...['--rate', String(PORTS_PER_SECOND * intensity), FILES.address],
    ],
    filter: `host ${PROBER.address} and host ${FILES.address} and tcp port 60000`,
  },
];
