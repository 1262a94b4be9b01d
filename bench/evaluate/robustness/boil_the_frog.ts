import { UploadHabit } from '../../../src/models/upload_habit.js';
import { seeded } from '../../baselines/random.js';
import { quantileOf } from '../metrics.js';
import type { Series } from '../plots.js';
import { number } from '../words.js';
import type { Experiment } from './experiment.js';
import { normals } from './worlds.js';

const DAYS = 90;
const GROWS_FROM_DAY = 15;
const SLOT_S = 300;
const SLOTS_PER_DAY = 288;
const DAY_US = 86_400e6;
/** Nats of drift from which on a device is told of (`thymus devices`). */
const TOLD_FROM = 12;
const GROWTHS = [0.01, 0.02, 0.05, 0.1, 0.2];

/** ln of the volume of a day, relative to the first, but for chance. */
type Trend = (day: number) => number;

const growing =
  (growth: number): Trend =>
  (day) =>
    growth * Math.max(0, day - GROWS_FROM_DAY);
const weekly: Trend = (day) => (day % 7 < 5 ? 0 : -0.3);
const seasonal: Trend = (day) => 0.1 * Math.sin((2 * Math.PI * day) / DAYS);

interface Told {
  readonly day: number;
  readonly multiple: number;
}

/** The day on which a device's drift is told, and how far it had come; null: never. */
function toldOf(trend: Trend, seed: number): Told | null {
  const habit = new UploadHabit();
  const normal = normals(seeded(seed));
  for (let day = 0; day < DAYS; day++) {
    const ofDay = 10 + trend(day) + 0.1 * normal();
    for (let slot = 0; slot < SLOTS_PER_DAY; slot++) {
      const atUs = day * DAY_US + slot * SLOT_S * 1e6;
      habit.add(Math.exp(ofDay + 0.8 * normal()), atUs, true);
    }
    if (habit.driftNats >= TOLD_FROM) return { day, multiple: Math.exp(trend(day)) };
  }
  return null;
}

/** What an attacker sends more each day, so slowly that it might pass for normal. */
export function boilTheFrog(seedsOfGrowth = 12, seedsOfHonest = 40): Experiment {
  const grown = GROWTHS.map((growth) => {
    const told = seedsOf(seedsOfGrowth).map((seed) => toldOf(growing(growth), seed));
    return { growth, told: told.filter((one) => one !== null), n: told.length };
  });
  const honest = [
    ['honest, level', (): number => 0],
    ['honest, weekends are quieter by a quarter', weekly],
    ['honest, a season of ±10 %', seasonal],
  ] as const;
  const falses = honest.map(([name, trend]) => {
    const told = seedsOf(seedsOfHonest).filter((seed) => toldOf(trend, seed) !== null);
    return [name, '', `${told.length}/${seedsOfHonest}`, '', ''];
  });
  const rows = grown.map(({ growth, told, n }) => {
    const most = told.length < n ? Math.exp(growing(growth)(DAYS)) : NaN;
    const multiples = told.map(({ multiple }) => multiple);
    return [
      'grows from day 15',
      `${growth} ln/day`,
      `${told.length}/${n}`,
      number(
        quantileOf(
          told.map(({ day }) => day - GROWS_FROM_DAY),
          0.5,
        ),
        0,
      ),
      number(Number.isNaN(most) ? Math.max(...multiples) : most, 1),
    ];
  });
  return {
    title: 'Boiling the frog',
    text: `What a device sends out in five minutes grows for ${DAYS - GROWS_FROM_DAY} of ${DAYS} simulated days; told of is who has ${TOLD_FROM} nats of drift. The multiple is the largest that went untold. Growth of 0.01 ln a day is what the learning allows by design.`,
    table: {
      head: ['device', 'growth', 'told', 'days, median', 'largest multiple untold'],
      rows: [...rows, ...falses],
      texts: 2,
    },
    plot: {
      title: 'Volume until it was told, by growth',
      x: { label: 'day', from: 0, to: DAYS },
      y: { label: 'multiple of the first day', from: 1, to: 10, isLog: true },
      series: grown.map(({ growth, told, n }): Series => {
        const last = told.length < n ? DAYS : Math.max(...told.map(({ day }) => day));
        const days = Array.from({ length: last + 1 }, (_, day) => day);
        return {
          name: `${growth} ln/day`,
          points: days.map((day) => [day, Math.exp(growing(growth)(day))] as const),
          isDashed: told.length < n,
        };
      }),
    },
  };
}

const seedsOf = (n: number): number[] => Array.from({ length: n }, (_, i) => 100 + i);
