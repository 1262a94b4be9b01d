import { seeded } from '../baselines/random.js';
import type { Split } from './data_set.js';
import type { Outcome } from './incidents.js';
import {
  BASELINES,
  BUILT_LANES,
  FUSED,
  METHODS,
  type CaptureResult,
  type Unit,
} from './judge_capture.js';
import { ATTACK_KINDS } from './kinds.js';
import {
  areaOf,
  bootstrap,
  equalErrorOf,
  hitsAt,
  poissonUpper95,
  quantileOf,
  rocOf,
  type Judged,
  type RocPoint,
} from './metrics.js';

const DAY_US = 86_400e6;
/** Captures with attacks from which on drawing them anew says something. */
const CAPTURES_LEAST = 10;

/** How well a method tells attacks from the rest, unit by unit. Figures are NaN without either. */
export interface MethodFigures {
  readonly method: string;
  readonly attacks: number;
  readonly others: number;
  readonly area: number;
  /** Middle 95 % over captures drawn anew; NaN where that was not asked for. */
  readonly areaRange: readonly [number, number];
  readonly equalError: number;
  /** At a false positive rate of 1e-3 and of 1e-4; NaN where there are too few units to say. */
  readonly hitsAt3: number;
  readonly hitsAt4: number;
  readonly roc: readonly RocPoint[];
}

/** How incidents of one kind and intensity fared. */
export interface AttackFigures {
  readonly kind: string;
  readonly intensity: number;
  readonly n: number;
  readonly found: number;
  readonly delayMedianS: number;
  readonly delay95S: number;
  readonly packetsMedian: number;
  readonly contactsMedian: number;
  /** Of those that were found. */
  readonly stageRight: number;
  readonly driverTold: number;
}

export interface SplitFigures {
  readonly split: Split;
  readonly captures: number;
  readonly packets: number;
  readonly deviceDays: number;
  readonly falses: number;
  /** False incidents per day per 1,000 devices: as seen, and the upper end of the 95 % interval. */
  readonly falseRate: number;
  readonly falseRateMost: number;
  readonly recall: number;
  readonly recallRange: readonly [number, number];
  readonly shareGap: number;
  readonly methods: readonly MethodFigures[];
  readonly lanes: readonly MethodFigures[];
  readonly attacks: readonly AttackFigures[];
  readonly outcomes: readonly Outcome[];
  /** Of methods with a threshold of their own. */
  readonly alarms: readonly {
    readonly method: string;
    readonly found: number;
    readonly falses: number;
  }[];
}

export function figuresOf(split: Split, results: readonly CaptureResult[]): SplitFigures {
  const outcomes = results.flatMap((result) => result.outcomes);
  const falses = results.reduce((sum, result) => sum + result.falses.length, 0);
  const deviceDays = results.reduce((sum, { capture }) => {
    return sum + (capture.devices * (capture.lastPacketUs - capture.firstPacketUs)) / DAY_US;
  }, 0);
  const units = results.map((result) => result.units);
  const isAny = (): boolean => true;
  const hasRange = results.filter((result) => result.outcomes.length > 0).length >= CAPTURES_LEAST;
  return {
    split,
    captures: results.length,
    packets: results.reduce((sum, result) => sum + result.packets, 0),
    deviceDays,
    falses,
    falseRate: (1000 * falses) / deviceDays,
    falseRateMost: (1000 * poissonUpper95(falses)) / deviceDays,
    recall: recallOf(results),
    recallRange: hasRange ? bootstrap(results, recallOf, seeded(1)) : [NaN, NaN],
    shareGap: Math.max(0, ...results.map((result) => result.shareGap)),
    methods: [FUSED, ...Object.keys(BASELINES)].map((method) => {
      return methodFigures(method, { units, isMeant: isAny, withRange: hasRange });
    }),
    lanes: BUILT_LANES.map((lane) => {
      const isMeant = (kind: string): boolean => ATTACK_KINDS[kind]?.lanes.includes(lane) ?? false;
      return methodFigures(lane, { units, isMeant, withRange: false });
    }).filter(({ attacks }) => attacks > 0),
    attacks: attackFigures(outcomes),
    outcomes,
    alarms: alarmsOf(results),
  };
}

function recallOf(results: readonly CaptureResult[]): number {
  const outcomes = results.flatMap((result) => result.outcomes);
  return outcomes.length === 0
    ? NaN
    : outcomes.filter(({ found }) => found !== null).length / outcomes.length;
}

function methodFigures(
  method: string,
  how: {
    readonly units: readonly (readonly Unit[])[];
    readonly isMeant: (kind: string) => boolean;
    readonly withRange: boolean;
  },
): MethodFigures {
  const index = METHODS.indexOf(method);
  const groups = how.units.map((units) =>
    units
      .filter(({ attack }) => attack === null || how.isMeant(attack.kind))
      .map(({ attack, scores }): Judged => {
        return { score: scores[index]!, isAttack: attack !== null };
      }),
  );
  const all = groups.flat();
  const roc = rocOf(all);
  const attacks = all.filter(({ isAttack }) => isAttack).length;
  const others = all.length - attacks;
  const hits = (fpr: number): number => (others * fpr >= 1 ? hitsAt(roc, fpr) : NaN);
  return {
    method,
    attacks,
    others,
    area: areaOf(roc),
    areaRange: how.withRange ? areaRange(groups) : [NaN, NaN],
    equalError: equalErrorOf(roc),
    hitsAt3: hits(1e-3),
    hitsAt4: hits(1e-4),
    roc,
  };
}

/** By counts of each distinct score, so that drawing captures anew costs no sorting. */
function areaRange(groups: readonly (readonly Judged[])[]): readonly [number, number] {
  const scores = [...new Set(groups.flat().map(({ score }) => score))].sort((a, b) => a - b);
  const rankOf = new Map(scores.map((score, rank) => [score, rank]));
  const coded = groups.map((group) => {
    const ranks = Uint32Array.from(group, ({ score }) => rankOf.get(score)!);
    return { ranks, isAttack: Uint8Array.from(group, ({ isAttack }) => (isAttack ? 1 : 0)) };
  });
  const area = (drawn: readonly (typeof coded)[number][]): number => {
    const [attacks, others] = [new Float64Array(scores.length), new Float64Array(scores.length)];
    for (const { ranks, isAttack } of drawn) {
      for (let i = 0; i < ranks.length; i++) (isAttack[i] ? attacks : others)[ranks[i]!]!++;
    }
    let [below, pairs, nAttacks] = [0, 0, 0];
    for (let rank = 0; rank < scores.length; rank++) {
      pairs += attacks[rank]! * (below + others[rank]! / 2);
      below += others[rank]!;
      nAttacks += attacks[rank]!;
    }
    return pairs / (below * nAttacks);
  };
  return bootstrap(coded, area, seeded(2));
}

function attackFigures(outcomes: readonly Outcome[]): AttackFigures[] {
  const cells = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const key = `${outcome.incident.kind} ${outcome.incident.intensity}`;
    cells.set(key, [...(cells.get(key) ?? []), outcome]);
  }
  const order = Object.keys(ATTACK_KINDS);
  return [...cells.values()]
    .map((cell) => {
      const { kind, intensity } = cell[0]!.incident;
      const found = cell.flatMap((outcome) => outcome.found ?? []);
      return {
        kind,
        intensity,
        n: cell.length,
        found: found.length,
        delayMedianS: quantileOf(
          found.map((f) => f.delayS),
          0.5,
        ),
        delay95S: quantileOf(
          found.map((f) => f.delayS),
          0.95,
        ),
        packetsMedian: quantileOf(
          found.map((f) => f.packets),
          0.5,
        ),
        contactsMedian: quantileOf(
          found.map((f) => f.contacts),
          0.5,
        ),
        stageRight: found.filter((f) => f.isStageRight).length,
        driverTold: found.filter((f) => f.isDriverTold).length,
      };
    })
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || b.intensity - a.intensity);
}

function alarmsOf(results: readonly CaptureResult[]): SplitFigures['alarms'] {
  const methods = [...new Set(results.flatMap((result) => [...result.alarms.keys()]))];
  return methods.map((method) => {
    const own = results.map((result) => result.alarms.get(method)!);
    return {
      method,
      found: own.reduce((sum, { found }) => sum + found, 0),
      falses: own.reduce((sum, { falses }) => sum + falses, 0),
    };
  });
}
