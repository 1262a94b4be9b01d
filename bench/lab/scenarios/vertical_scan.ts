import { FILES, PCS } from '../hosts.js';
import { attackScenario } from './attack.js';

const ATTACKER = PCS[4]!;
const VICTIM = FILES;

export const verticalScan = attackScenario(
  'vertical_scan',
  'A PC tries the thousand usual ports of the file server with nmap.',
  {
    seconds: 20,
    attack: {
      technique: 'T1046',
      techniqueName: 'Network Service Discovery',
      attacker: ATTACKER.address,
      mac: ATTACKER.mac,
      victims: [VICTIM.address],
      host: ATTACKER.name,
      tool: 'nmap',
      command: (intensity) => [
        ...['nmap', '-n', '-sS', '--max-rate', String(100 * intensity), VICTIM.address],
      ],
      filter: `src host ${ATTACKER.address} and dst host ${VICTIM.address} and tcp`,
    },
  },
);
