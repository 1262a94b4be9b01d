import type { Traffic } from '../../../test/src/support/traffic.js';
import { seeded } from '../../baselines/random.js';
import type { Experiment } from './experiment.js';
import { alarmOfAttacker, ATTACKER, DAY_S, quietOffice } from './worlds.js';

/** The office is watched for so long before the attack, which lasts a day. */
const QUIET_S = 2 * 3600;

/** One way to attack below what detectors look for. */
interface Way {
  readonly name: string;
  readonly unit: string;
  /** Paces from slow to fast, in the unit. */
  readonly paces: readonly number[];
  /** Attacks for a day at a pace. */
  readonly attack: (traffic: Traffic, pace: number, random: () => number) => void;
}

/** Moments of `n` a day, by a clock whose gaps differ by a share, from -jitter to +jitter. */
function* moments(n: number, jitter: number, random: () => number): Generator<number> {
  const gap = DAY_S / n;
  for (let at = QUIET_S + gap * random(); at < QUIET_S + DAY_S;) {
    yield at;
    at += gap * (1 + jitter * (2 * random() - 1));
  }
}

const OUTSIDE = '198.51.100.66';
const from = ATTACKER;

function beacon(jitter: number): Way['attack'] {
  return (traffic, pace, random) => {
    for (const at of moments(pace, jitter, random)) {
      traffic.connect({ at, from, to: OUTSIDE, port: 443 }, { up: 420, down: 310 });
    }
  };
}

const WAYS: readonly Way[] = [
  {
    name: 'scan of hosts that are there',
    unit: 'hosts a day',
    paces: [48, 240],
    attack: (traffic, pace, random) => {
      let host = 0;
      for (const at of moments(pace, 0.5, random)) {
        traffic.connect({ at, from, to: `10.0.1.${++host}`, port: 445 }, { up: 300, down: 300 });
      }
    },
  },
  {
    name: 'scan of addresses, most of them empty',
    unit: 'addresses a day',
    paces: [4, 8, 12, 24],
    attack: (traffic, pace, random) => {
      let host = 0;
      for (const at of moments(pace, 0.5, random)) {
        traffic.unanswered({ at, from, to: `10.0.1.${++host}`, port: 445 });
      }
    },
  },
  {
    name: 'guessing at SSH',
    unit: 'guesses a day',
    paces: [144, 720, 2880],
    attack: (traffic, pace, random) => {
      for (const at of moments(pace, 0.1, random)) {
        const size = { up: 3200, down: 3000, lasts: 2, segments: SSH_SEGMENTS };
        traffic.connect({ at, from, to: '10.0.0.1', port: 22 }, size);
      }
    },
  },
  {
    name: 'exfiltration, hourly, to one new host',
    unit: 'kB a day',
    paces: [1536, 98_304],
    attack: (traffic, pace, random) => {
      for (const at of moments(24, 0.3, random)) {
        const size = { up: (1000 * pace) / 24, down: 2000, lasts: 20 };
        traffic.connect({ at, from, to: OUTSIDE, port: 443 }, size);
      }
    },
  },
  {
    name: 'beacon, no jitter',
    unit: 'calls a day',
    paces: [96, 1440],
    attack: beacon(0),
  },
  {
    name: 'beacon, jitter 0.9',
    unit: 'calls a day',
    paces: [96, 1440],
    attack: beacon(0.9),
  },
  {
    name: 'DNS tunnel, A records',
    unit: 'bytes/s',
    paces: [0.002, 0.005, 0.01, 0.05],
    attack: (traffic, pace, random) => {
      // 20 bytes as 40 hexadecimal digits in each question.
      for (const at of moments((pace * DAY_S) / 20, 0.5, random)) {
        const data = Array.from({ length: 40 }, () => Math.floor(16 * random()).toString(16));
        traffic.resolve({ at, from }, `${data.join('')}.t.example.net`);
      }
    },
  },
  {
    name: 'generated names, of words',
    unit: 'names a day',
    paces: [24, 48, 96, 480],
    attack: (traffic, pace, random) => {
      const word = (): string => WORDS[Math.floor(WORDS.length * random())]!;
      for (const at of moments(pace, 0.5, random)) {
        traffic.resolve({ at, from }, `${word()}${word()}${word()}.net`, { rcode: 3 });
      }
    },
  },
];

/** Sizes of the first segments of a log-in by SSH. */
const SSH_SEGMENTS = [41, -41, 1560, -1088, 1208, -1564, 16, 44, -44, 60, -76, 148];
const WORDS =
  'river stone cloud paper glass green table window garden silver mountain letter north summer bridge'.split(
    ' ',
  );

/**
 * Attackers who know the detectors and go slowly: the fastest pace that stays below the budget for a
 * day, and the slowest that was told.
 */
export function mimicry(ways: readonly Way[] = WAYS): Experiment {
  const rows = ways.map(({ name, unit, paces, attack }, i) => {
    let under: number | null = null;
    for (const pace of paces) {
      const traffic = quietOffice(1 + i, QUIET_S + DAY_S);
      attack(traffic, pace, seeded(50 + i));
      const found = alarmOfAttacker(traffic);
      if (found !== null) {
        const hours = (found - QUIET_S) / 3600;
        return [name, unit, shown(under), shown(pace), `${hours.toFixed(1)} h`];
      }
      under = pace;
    }
    return [name, unit, `${shown(under)} or more`, '–', '–'];
  });
  return {
    title: 'Mimicry',
    text: 'One attacker in an office of eight hosts that were watched for two hours; the attack lasts a day. Paces rise in steps; given are the last that no incident told of, and the first that one did, with the time it took. One seed each.',
    table: { head: ['attack', 'unit', 'untold', 'told', 'after'], rows, texts: 2 },
    plot: null,
  };
}

const shown = (pace: number | null): string => (pace === null ? 'none' : String(pace));
