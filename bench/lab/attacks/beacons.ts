import { PCS } from '../hosts.js';
import { at, OUTSIDE, own, type SetAttack } from './set_attack.js';

const BOT = PCS[2]!;
const SECONDS_BETWEEN = 4;

const calling = {
  kind: 'beacon',
  stage: 'c2',
  technique: 'T1071.001',
  techniqueName: 'Application Layer Protocol: Web Protocols',
  attackers: [at(BOT)],
  victims: [OUTSIDE.address],
  host: BOT.name,
  seconds: 80,
} as const;

export const BEACONS: readonly SetAttack[] = [
  {
    ...calling,
    name: 'beacon-steady',
    tool: 'own beacon, jitter 0.05',
    split: 'tune',
    prepare: (lab) => {
      lab.serve('drop box', 'outsider', own('drop_box', 80));
    },
    command: ({ intensity }) =>
      own('beacon', OUTSIDE.address, 80, SECONDS_BETWEEN / intensity, 0.05),
    filter: `host ${BOT.address} and host ${OUTSIDE.address} and tcp port 80`,
  },
  {
    ...calling,
    name: 'beacon-jittery',
    tool: 'own beacon, jitter 0.3',
    split: 'test',
    prepare: (lab) => {
      lab.serve('drop box', 'outsider', own('drop_box', 8000));
    },
    command: ({ intensity }) =>
      own('beacon', OUTSIDE.address, 8000, SECONDS_BETWEEN / intensity, 0.3),
    filter: `host ${BOT.address} and host ${OUTSIDE.address} and tcp port 8000`,
  },
];
