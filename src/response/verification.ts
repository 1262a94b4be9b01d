import type { EffectFigures } from '../domain/response_port.js';

/** An action that does not help by then is taken back. */
const HELP_WITHIN_US = 60e6;
/** Science 9.1: normal edges may lose that share of their successes. */
const MOST_FALL = 0.05;
/** One-sided 95 %: a fall that chance explains is none. */
const Z = 1.64;
const US_PER_S = 1e6;

/**
 * Watches whether an action does what it should. The first report is what the attack was when the
 * action began, since it holds what was under way.
 */
export class Verification {
  #first: EffectFigures | null = null;

  /** @returns why the action has to be taken back, as one sentence; null: it may stay */
  faultIn(figures: EffectFigures): string | null {
    this.#first ??= figures;
    return harmOf(figures) ?? uselessnessOf(this.#first, figures);
  }
}

function harmOf({ normalFlows, normalAnswered, usualAnsweredShare }: EffectFigures): string | null {
  if (usualAnsweredShare === null || normalFlows === 0) return null;
  const share = normalAnswered / normalFlows;
  const noise = Z * Math.sqrt((usualAnsweredShare * (1 - usualAnsweredShare)) / normalFlows);
  if (usualAnsweredShare - share <= MOST_FALL + noise) return null;
  return (
    `Normal traffic suffers: ${percent(share)} of its ${normalFlows} flows are answered, ` +
    `${percent(usualAnsweredShare)} were before.`
  );
}

function uselessnessOf(first: EffectFigures, now: EffectFigures): string | null {
  const before = rateOf(first);
  const rate = rateOf(now);
  if (now.untilUs - first.fromUs < HELP_WITHIN_US || rate === 0 || rate < before) return null;
  return (
    `It does not help: the attack goes on at ${figure(rate * 60)} a minute, ` +
    `and was at ${figure(before * 60)} when it began.`
  );
}

const rateOf = ({ evidence, fromUs, untilUs }: EffectFigures): number =>
  evidence / Math.max((untilUs - fromUs) / US_PER_S, 1);

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const figure = (value: number): string => String(Number(value.toPrecision(3)));
