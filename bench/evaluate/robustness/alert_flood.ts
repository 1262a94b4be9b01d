import { judge } from '../../../test/src/support/traffic.js';
import { seeded } from '../../baselines/random.js';
import type { Experiment } from './experiment.js';
import { ATTACKER, quietOffice } from './worlds.js';

const OFFICE_S = 1800;
const SCANS_FROM_S = 300;
const SCANS_LAST_S = 1200;
const SCANNED_HOSTS = 50;
const LIST_MOST = 50;

/** Noise by which somebody hides: many outside hosts that scan, and one inside that matters. */
export function alertFlood(scanners = 2000): Experiment {
  const random = seeded(4);
  const traffic = quietOffice(6, OFFICE_S);
  for (let scanner = 0; scanner < scanners; scanner++) {
    const from = `198.18.${scanner >> 8}.${scanner & 255}`;
    const begin = SCANS_FROM_S + SCANS_LAST_S * random();
    for (let host = 0; host < SCANNED_HOSTS; host++) {
      traffic.refused({ at: begin + host / 10, from, to: `10.0.0.${10 + host}`, port: 23 });
    }
  }
  for (let i = 0; i < 40; i++) {
    traffic.unanswered({ at: 900 + i, from: ATTACKER, to: `10.0.1.${i}`, port: 445 });
  }
  const judgement = judge(traffic, { batchSize: 4096 });
  const { incidents } = judgement;
  const rows = incidents.length;
  const inside = incidents.findIndex(({ entity }) => entity.address === ATTACKER);
  return {
    title: 'Alert flooding',
    text: `${scanners.toLocaleString('en')} outside hosts try ${SCANNED_HOSTS} addresses each, ${(scanners * SCANNED_HOSTS).toLocaleString('en')} contacts in ${SCANS_LAST_S / 60} minutes, while one inside host scans. A person should have at most ${LIST_MOST} rows to read.`,
    table: {
      head: ['hosts that alarmed', 'incidents to read', 'the inside host'],
      rows: [
        [
          String(new Set(judgement.alarms.map(({ entity }) => entity.key)).size),
          String(rows),
          inside >= 0
            ? 'an incident of its own'
            : judgement.alarms.every(({ entity }) => entity.address !== ATTACKER)
              ? 'missed'
              : 'part of another incident',
        ],
      ],
      texts: 0,
    },
    plot: null,
  };
}
