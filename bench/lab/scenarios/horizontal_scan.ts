import { BRANCH_PREFIX, PCS } from '../hosts.js';
import { attackScenario } from './attack.js';

const ATTACKER = PCS[3]!;

export const horizontalScan = attackScenario(
  'horizontal_scan',
  'A PC sweeps all addresses of the branch office for three services with nmap.',
  {
    seconds: 25,
    attack: {
      technique: 'T1046',
      techniqueName: 'Network Service Discovery',
      attacker: ATTACKER.address,
      mac: ATTACKER.mac,
      victims: [BRANCH_PREFIX],
      host: ATTACKER.name,
      tool: 'nmap',
      command: (intensity) => [
        ...['nmap', '-n', '-Pn', '-sS', '-p', '22,445,3389', '--max-retries', '1'],
        ...['--max-rate', String(60 * intensity), BRANCH_PREFIX],
      ],
      filter: `src host ${ATTACKER.address} and dst net ${BRANCH_PREFIX} and tcp dst port (22 or 445 or 3389)`,
    },
  },
);
