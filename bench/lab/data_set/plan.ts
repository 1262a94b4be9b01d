import { ATTACKS } from '../attacks/index.js';
import type { SetAttack, Split } from '../attacks/set_attack.js';

/** At the tool's pace, at a quarter and at a twentieth of it. */
export const INTENSITIES = [1, 0.25, 0.05] as const;

/** One capture to be recorded. */
export interface Recording {
  readonly name: string;
  /** Of the play: see plays.ts. */
  readonly play: string;
  readonly attack: SetAttack | null;
  readonly intensity: number;
  readonly seed: number;
  readonly split: Split;
}

/** One attack that is laid over a benign capture. */
export interface Overlaying {
  readonly name: string;
  readonly recording: Recording;
  readonly seed: number;
  /** By how much the recorded pauses are stretched, before chance. */
  readonly stretch: number;
  /** After that. */
  readonly intensity: number;
}

export interface PlanOptions {
  /** How often each attack is recorded at each intensity. */
  readonly repeats: number;
  /** Benign sessions of some minutes. */
  readonly sessions: number;
  /** Days of the large office. */
  readonly days: number;
  /** How often each recorded attack is laid over a benign capture. */
  readonly overlays: number;
  readonly intensities: readonly number[];
  /** Matches names of attacks. */
  readonly only: RegExp;
}

/** The whole set: `npm run lab`. */
export const FULL: PlanOptions = {
  repeats: 3,
  sessions: 4,
  days: 2,
  overlays: 2,
  intensities: INTENSITIES,
  only: /./,
};

/** The kinds that matter most, once: `npm run lab -- --small`. */
export const SMALL: PlanOptions = {
  repeats: 1,
  sessions: 2,
  days: 0,
  overlays: 1,
  intensities: [1],
  only: /^(scan_|guessing_ssh|syn_flood|exfiltration|beacon)/,
};

/** What comes first is worth most: a run that is stopped early leaves a set of some use. */
export function recordingsOf(options: PlanOptions): Recording[] {
  const attacks = ATTACKS.filter(({ name }) => options.only.test(name));
  const sessions = seeds(options.sessions).map((seed) => benign('session', seed));
  const days = seeds(options.days).map((seed) => benign('day', seed));
  const recorded = seeds(options.repeats).flatMap((seed) =>
    options.intensities.flatMap((intensity) =>
      attacks.map((attack): Recording => {
        const name = `${attack.name}-${paceOf(intensity)}-s${seed}`;
        return { name, play: attack.name, attack, intensity, seed, split: attack.split };
      }),
    ),
  );
  return [...sessions.slice(0, 2), ...days, ...recorded, ...sessions.slice(2)];
}

/**
 * What calls again and again for a living is slowed down by its pauses: at a twentieth of its pace
 * hardly anything of it could be recorded in minutes.
 */
const SLOWED_BY_PAUSES = ['beacon', 'mining'];

export function overlaysOf(
  options: PlanOptions,
  recordings: readonly Recording[],
): readonly Overlaying[] {
  return recordings.flatMap((recording) => {
    const { attack, intensity, seed: repeat } = recording;
    if (attack === null) return [];
    const isSlowed = SLOWED_BY_PAUSES.includes(attack.kind) && intensity < 1;
    const fast = recordings.find(
      (each) => each.attack === attack && each.seed === repeat && each.intensity === 1,
    );
    const [taken, stretch] =
      isSlowed && fast !== undefined ? [fast, 1 / intensity] : [recording, 1];
    return seeds(options.overlays).map((seed): Overlaying => {
      const name = `overlay-${recording.name}-o${seed}`;
      return { name, recording: taken, seed, stretch, intensity };
    });
  });
}

/** Odd seeds tune, even ones test. */
function benign(what: 'session' | 'day', seed: number): Recording {
  const split = seed % 2 === 1 ? 'tune' : 'test';
  const play = `benign-${what}`;
  return { name: `${play}-s${seed}`, play, attack: null, intensity: 1, seed, split };
}

function paceOf(intensity: number): string {
  return `x${String(intensity).replace('.', '')}`;
}

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
