import { PCS } from '../hosts.js';
import { at, own, type SetAttack } from './set_attack.js';

const MINER = PCS[4]!;
const POOL = '198.51.100.77';
const SECONDS_BETWEEN_SHARES = 3;

const mining = {
  kind: 'mining',
  stage: 'impact',
  technique: 'T1496',
  techniqueName: 'Resource Hijacking',
  attackers: [at(MINER)],
  victims: [POOL],
  host: MINER.name,
  seconds: 40,
} as const;

/** A pool and a miner that talk stratum to each other; nothing is computed. */
export const MINING: readonly SetAttack[] = [
  onPort('mining-usual', 3333, 'tune'),
  onPort('mining-odd', 8088, 'test'),
];

function onPort(name: string, port: number, split: SetAttack['split']): SetAttack {
  return {
    ...mining,
    name,
    tool: `own stratum pair, port ${port}`,
    split,
    prepare: (lab) => {
      lab.serve('pool', 'internet', own('stratum_pool', POOL, port));
    },
    command: ({ intensity }) =>
      own('stratum_miner', POOL, port, SECONDS_BETWEEN_SHARES / intensity),
    filter: `host ${MINER.address} and host ${POOL} and tcp port ${port}`,
  };
}
