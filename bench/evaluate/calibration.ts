import { ShardPipeline } from '../../src/engine/shard_pipeline.js';
import { LaneWealth } from '../../src/fusion/lane_wealth.js';
import { lnEOfP } from '../../src/models/e_value.js';
import { benignWorld } from '../../test/src/support/benign_world.js';
import { feed } from '../../test/src/support/traffic.js';
import { seeded } from '../baselines/random.js';

/** How many entities came to a wealth, against how many may when nothing is wrong. */
export interface CalibrationPoint {
  readonly h: number;
  readonly seen: number;
  readonly allowed: number;
}

/** What an entity's wealth came to at most, and in how many ticks it was active. */
export interface Peak {
  readonly lnWealth: number;
  readonly ticks: number;
}

const FROM_H = 3;
const TO_H = 16;

/** E of a fused wealth at most t after t ticks: an entity reaches e^h within t with t / e^h at most. */
export function calibrationOf(peaks: readonly Peak[]): CalibrationPoint[] {
  return Array.from({ length: TO_H - FROM_H + 1 }, (_, i) => {
    const h = FROM_H + i;
    const allowed = peaks.reduce((sum, { ticks }) => sum + Math.min(1, ticks / Math.exp(h)), 0);
    return { h, seen: peaks.filter(({ lnWealth }) => lnWealth >= h).length, allowed };
  });
}

/** Benign worlds of records through the whole judgement, one for each seed. */
export function benignPeaks(seeds: readonly number[], hours: number): Peak[] {
  return seeds.flatMap((seed) => {
    const peaks = new Map<string, { lnWealth: number; ticks: number }>();
    const pipeline = new ShardPipeline(
      {
        shard: 0,
        shards: 1,
        onTick: (_, entities) => {
          for (const { entity, lnWealth } of entities) {
            const peak = peaks.get(entity.address) ?? { lnWealth: -Infinity, ticks: 0 };
            peak.lnWealth = Math.max(peak.lnWealth, lnWealth);
            peak.ticks++;
            peaks.set(entity.address, peak);
          }
        },
      },
      { alarm: () => undefined },
    );
    feed(benignWorld(seed, hours), pipeline);
    return [...peaks.values()];
  });
}

/** One world of noise: p-values that depend on those before them by a correlation. */
export interface NoiseWorld {
  readonly correlation: number;
  readonly phases: number;
  readonly alarms: number;
  readonly allowed: number;
}

const RUN_LENGTH = 10_000;
const NOISE_ENTITIES = 50;
const NOISE_TICKS = 17_280;
/** Ticks after which the correlation is below a quarter: what a lane is split into. */
const PHASES: readonly (readonly [correlation: number, phases: number])[] = [
  [0, 1],
  [0.5, 3],
  [0.9, 14],
  [0.97, 46],
];

/** A day of each of fifty entities: alarms of one lane against one in ten thousand ticks. */
export function noiseWorlds(): NoiseWorld[] {
  return PHASES.map(([correlation, phases], i) => {
    const normal = normals(seeded(100 + i));
    let alarms = 0;
    for (let entity = 0; entity < NOISE_ENTITIES; entity++) {
      let wealth = new LaneWealth(phases, 0);
      let z = normal();
      let begun = 0;
      for (let tick = 1; tick <= NOISE_TICKS; tick++) {
        z = correlation * z + Math.sqrt(1 - correlation ** 2) * normal();
        wealth.bet(tick - begun, lnEOfP(upperTail(z)));
        if (wealth.lnWealth(tick - begun) < Math.log(RUN_LENGTH)) continue;
        alarms++;
        wealth = new LaneWealth(phases, 0);
        begun = tick;
      }
    }
    const allowed = (NOISE_ENTITIES * NOISE_TICKS) / RUN_LENGTH;
    return { correlation, phases, alarms, allowed };
  });
}

function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** P(Z > z), after Abramowitz and Stegun 26.2.17; to 1e-7. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return Math.min(1 - 1e-9, Math.max(1e-12, z >= 0 ? tail : 1 - tail));
}
