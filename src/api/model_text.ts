import type { LearnedFigures } from '../domain/learned_state.js';
import type { Lesson, ModelAbout } from '../store/model_file.js';
import { plainSpan, plainTime } from './time_text.js';

/** What a model is, besides what it says about itself. */
export interface ModelFacts {
  readonly untilUs: number;
  readonly figures: LearnedFigures;
  /** Earlier days that can be gone back to, the oldest first. */
  readonly days: readonly string[];
}

/** A model for people: until when it was learned, what it knows, and from what. */
export function modelText(about: ModelAbout, { untilUs, figures, days }: ModelFacts): string {
  const number = (n: number): string => Math.round(n).toLocaleString('en-US');
  const lines = [
    `Learned until ${plainTime(untilUs)} UTC, by thymus ${about.engineVersion}`,
    `Knows ${number(figures.hosts)} hosts, ${number(figures.edges)} edges that they use, ` +
      `${number(figures.firstSights)} first sights of them`,
    '',
    'From:',
    ...about.lessons.map(lessonText),
  ];
  if (days.length > 0) lines.push('', `Can go back to: ${days.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function lessonText({ sources, fromUs, untilUs, packets, flows }: Lesson): string {
  const amount = `${packets.toLocaleString('en-US')} packets, ${flows.toLocaleString('en-US')} flows`;
  const span = plainSpan(untilUs - fromUs);
  return `  ${plainTime(fromUs)}  ${span.padEnd(12)}  ${amount}  ${sources.join(' ')}`;
}
