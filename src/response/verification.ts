import type { EffectFigures } from '../domain/response_port.js';

/** An action that does not help by then is taken back. */
const HELP_WITHIN_US = 60e6;
/** Science 9.1: normal edges may lose that share of their successes. */
const MOST_FALL = 0.05;
/** A fall that chance explains is none; it is asked for again and again, so one in 2,000. */
const Z = 3.3;
/** Fewer flows say nothing of a share; they are added up until there are so many. */
const LEAST_FLOWS = 30;
/** Fewer signs of the attack may be what was under way. */
const LEAST_SIGNS = 3;
const US_PER_S = 1e6;

/**
 * Watches whether an action does what it should. The first report is what the attack was when the
 * action began, since it holds what was under way.
 */
export class Verification {
  #first: EffectFigures | null = null;
  #flows = 0;
  #answered = 0;

  /** @returns why the action has to be taken back, as one sentence; null: it may stay */
  faultIn(figures: EffectFigures): string | null {
    this.#first ??= figures;
    this.#flows += figures.normalFlows;
    this.#answered += figures.normalAnswered;
    return this.#harm(figures.usualAnsweredShare) ?? uselessnessOf(this.#first, figures);
  }

  #harm(usualShare: number | null): string | null {
    if (this.#flows < LEAST_FLOWS) return null;
    const [flows, answered] = [this.#flows, this.#answered];
    this.#flows = 0;
    this.#answered = 0;
    return usualShare === null ? null : harmOf(usualShare, flows, answered);
  }
}

function harmOf(usualShare: number, flows: number, answered: number): string | null {
  const share = answered / flows;
  const noise = Z * Math.sqrt((usualShare * (1 - usualShare)) / flows);
  if (usualShare - share <= MOST_FALL + noise) return null;
  return (
    `Normal traffic suffers: ${percent(share)} of its ${flows} flows are answered, ` +
    `${percent(usualShare)} were before.`
  );
}

function uselessnessOf(first: EffectFigures, now: EffectFigures): string | null {
  const before = rateOf(first);
  const rate = rateOf(now);
  if (now.untilUs - first.fromUs < HELP_WITHIN_US) return null;
  if (now.evidence < LEAST_SIGNS || rate < before) return null;
  return (
    `It does not help: the attack goes on at ${figure(rate * 60)} a minute, ` +
    `and was at ${figure(before * 60)} when it began.`
  );
}

const rateOf = ({ evidence, fromUs, untilUs }: EffectFigures): number =>
  evidence / Math.max((untilUs - fromUs) / US_PER_S, 1);

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const figure = (value: number): string => String(Number(value.toPrecision(3)));
