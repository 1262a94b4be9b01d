import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, FILES, LOGIN, PCS } from '../hosts.js';
import type { Lab } from '../lab.js';
import { keyOf } from '../servers/accounts.js';
import { sh } from '../shell.js';
import { startSshServer } from '../servers/sshd.js';
import { at, own, shell, type SetAttack } from './set_attack.js';

const WORM_PORT = 4444;
const PROBES_PER_SECOND = 8;
const FIRST = PCS[3]!;
/** From the first foothold to where the data is. */
const CHAIN = [PCS[5]!, PCS[4]!, PCS[1]!, APP, LOGIN, FILES];

export const SPREADING: readonly SetAttack[] = [
  {
    name: 'worm-own',
    kind: 'worm',
    stage: 'lateral',
    technique: 'T1210',
    techniqueName: 'Exploitation of Remote Services',
    tool: 'own worm, which asks a listener to join in',
    split: 'test',
    attackers: PCS.map(at),
    victims: PCS.map(({ address }) => address),
    host: FIRST.name,
    seconds: 40,
    prepare: (lab) => {
      for (const { name } of PCS) {
        if (name !== FIRST.name) lab.serve(`worm at ${name}`, name, worm(lab, 'healthy'));
      }
    },
    command: (lab) => worm(lab, 'infected'),
    filter: `tcp port ${WORM_PORT} or (icmp and icmp[icmptype] = icmp-unreach and icmp[30:2] = ${WORM_PORT})`,
  },
  {
    name: 'lateral-ssh',
    kind: 'lateral',
    stage: 'lateral',
    technique: 'T1021.004',
    techniqueName: 'Remote Services: SSH',
    tool: 'openssh',
    split: 'tune',
    attackers: CHAIN.slice(0, -1).map(at),
    victims: CHAIN.slice(1).map(({ address }) => address),
    host: CHAIN[0]!.name,
    seconds: 40,
    prepare: (lab) => {
      copyFileSync(keyOf(lab, 'bob'), stolenKey(lab));
      sh(`chown bob ${stolenKey(lab)}`);
      for (const { name } of CHAIN.slice(1, 4)) startSshServer(lab, name);
    },
    command: (lab) => shell([hop(lab, CHAIN.slice(1))]),
    filter: `tcp port 22 and (${hops()})`,
  },
];

function worm(lab: Lab, state: 'healthy' | 'infected'): string[] {
  return own('worm', WORM_PORT, PROBES_PER_SECOND * lab.intensity, state);
}

/** Logs in, waits as somebody who looks around, goes on from there. */
function hop(lab: Lab, hosts: readonly (typeof CHAIN)[number][]): string {
  const wait = `sleep ${Math.min(12, 2 / lab.intensity)}`;
  const [next, ...rest] = hosts;
  if (next === undefined) return `${wait}; head -c 200000 /dev/urandom`;
  const options = '-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR';
  const files = `-o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i ${stolenKey(lab)}`;
  const inner = hop(lab, rest).replaceAll("'", `'\\''`);
  return `${wait}; ssh ${options} ${files} bob@${next.address} '${inner}' >/dev/null`;
}

/** All hosts of the lab share one file system: who logs in as bob finds it there. */
function stolenKey(lab: Lab): string {
  return join(lab.folder, 'stolen.key');
}

function hops(): string {
  return CHAIN.slice(1)
    .map((to, i) => `(host ${CHAIN[i]!.address} and host ${to.address})`)
    .join(' or ');
}
