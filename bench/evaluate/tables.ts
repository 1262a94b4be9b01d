import type { NoiseWorld } from './calibration.js';
import type { AttackFigures, MethodFigures, SplitFigures } from './figures.js';
import { ATTACK_KINDS } from './kinds.js';
import { number, pace, percent, range, seconds, type Table } from './words.js';

/** How well methods tell attacking from other (entity, tick). */
export function methodTable(methods: readonly MethodFigures[]): Table {
  return {
    head: ['method', 'AUC (95 %)', 'EER', 'TPR at 1e-3', 'TPR at 1e-4', 'attack units', 'others'],
    rows: methods.map((figures) => [
      figures.method,
      `${number(figures.area)}${range(figures.areaRange)}`,
      number(figures.equalError),
      number(figures.hitsAt3),
      number(figures.hitsAt4),
      String(figures.attacks),
      String(figures.others),
    ]),
    texts: 1,
  };
}

/** How attacks fared as incidents. */
export function attackTable(attacks: readonly AttackFigures[]): Table {
  const share = (n: number, of: number): string => (of === 0 ? '–' : `${n}/${of}`);
  return {
    head: [
      'attack',
      'pace',
      'found',
      'delay, median',
      '95 %',
      'packets',
      'contacts',
      'stage right',
      'driver in top 3',
    ],
    rows: attacks.map((figures) => [
      titleOf(figures.kind),
      pace(figures.intensity),
      share(figures.found, figures.n),
      seconds(figures.delayMedianS),
      seconds(figures.delay95S),
      number(figures.packetsMedian, 0),
      number(figures.contactsMedian, 0),
      share(figures.stageRight, figures.found),
      share(figures.driverTold, figures.found),
    ]),
    texts: 2,
  };
}

/** What methods with a threshold of their own found, thymus at its budget among them. */
export function alarmTable(figures: SplitFigures): Table {
  const attacks = figures.outcomes.length;
  const own = {
    method: 'thymus',
    found: figures.outcomes.filter(({ found }) => found !== null).length,
    falses: figures.falses,
  };
  return {
    head: ['method', 'attacks found', 'false alarms'],
    rows: [own, ...figures.alarms].map(({ method, found, falses }) => [
      method,
      `${found}/${attacks}`,
      String(falses),
    ]),
    texts: 1,
  };
}

export function noiseTable(worlds: readonly NoiseWorld[]): Table {
  return {
    head: ['correlation of neighbours', 'phases', 'alarms', 'allowed'],
    rows: worlds.map(({ correlation, phases, alarms, allowed }) => [
      number(correlation, 2),
      String(phases),
      String(alarms),
      number(allowed, 0),
    ]),
    texts: 0,
  };
}

/** One paragraph about a part of a set. */
export function sentenceOf(figures: SplitFigures): string {
  const { captures, packets, deviceDays, falses, falseRateMost, recall, recallRange } = figures;
  const about = `${captures} captures, ${packets.toLocaleString('en')} packets, ${number(deviceDays, 2)} device-days.`;
  const attacks =
    figures.outcomes.length === 0
      ? 'No attacks.'
      : `Of ${figures.outcomes.length} attacks ${percent(recall)}${range(recallRange)} were found.`;
  const rate = `${falses} false ${falses === 1 ? 'incident' : 'incidents'}, so at most ${number(falseRateMost, 0)} a day per 1,000 devices at 95 %.`;
  return `${about} ${attacks} ${rate} Shares of evidence differ from their sum by at most ${figures.shareGap.toExponential(0)}.`;
}

export const titleOf = (kind: string): string => ATTACK_KINDS[kind]?.title ?? kind;
