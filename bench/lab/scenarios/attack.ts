import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { Lab } from '../lab.js';
import { pause } from '../shell.js';
import type { Attack, Scenario } from './scenario.js';

const BEFORE_SECONDS = 25;
const AFTER_SECONDS = 12;

export const WORD_LIST = 'words.txt';

/** The office works, the attack comes, the office goes on. */
export function attackScenario(
  name: string,
  shows: string,
  options: { readonly attack: Attack; readonly seconds: number },
): Scenario {
  const { attack } = options;
  return {
    name,
    shows,
    attack,
    seconds: BEFORE_SECONDS + options.seconds + AFTER_SECONDS,
    events: async (lab) => {
      writeFileSync(join(lab.folder, WORD_LIST), wordList(lab));
      await pause(BEFORE_SECONDS);
      await runAttack(lab, attack);
      await pause(AFTER_SECONDS);
    },
  };
}

async function runAttack(lab: Lab, attack: Attack): Promise<void> {
  const command = attack.command(lab.intensity, lab.folder);
  await lab.log.during(command.join(' ').replaceAll(`${lab.folder}/`, ''), [attack.host], () =>
    lab.run(attack.host, command),
  );
}

/** Passwords as people who guess would try them; none is right, since the right ones are random. */
function wordList(lab: Lab): string {
  const random = lab.random('word list');
  const stems = ['password', 'welcome', 'summer', 'winter', 'dragon', 'letmein', 'office', 'alice'];
  const words = stems.flatMap((stem) =>
    Array.from({ length: 9 }, () => `${stem}${random.integer(1, 2026)}`),
  );
  return `${words.join('\n')}\n`;
}
