import { attackNamed } from './attacks/index.js';
import { secondsAt, type SetAttack } from './attacks/set_attack.js';
import { benignPlays } from './benign_plays.js';
import type { Host } from './hosts.js';
import type { Lab } from './lab.js';
import { scenarioNamed } from './scenarios/index.js';
import { pause } from './shell.js';

/** What happens in one capture. */
export interface Play {
  readonly name: string;
  /** How long it should take. */
  readonly seconds: number;
  /** Devices besides those of every office. */
  readonly moreHosts?: readonly Host[];
  /** Starts what is needed beside the office's own servers. */
  readonly prepare?: (lab: Lab) => Promise<void> | void;
  /** What happens beside the office's usual work; resolves when it is over. */
  readonly events: (lab: Lab) => Promise<void>;
}

const BEFORE_SECONDS = 20;
const AFTER_SECONDS = 8;
/** What is asked to end and does not is killed. */
const KILL_SECONDS = 5;

/** It ended, was asked to end when its time was over, or was killed then. */
const EXPECTED: readonly (number | null)[] = [0, 124, 137];

export function playNamed(name: string, intensity: number): Play {
  const attack = attackNamed(name);
  if (attack !== undefined) return attackPlay(attack, intensity);
  const benign = benignPlays().find((play) => play.name === name);
  if (benign !== undefined) return benign;
  const { seconds, events } = scenarioNamed(name);
  return { name, seconds: seconds / intensity, events };
}

/** The office works, the attack comes, the office goes on. */
function attackPlay(attack: SetAttack, intensity: number): Play {
  const limit = secondsAt(attack, intensity);
  const { name, prepare } = attack;
  return {
    name,
    seconds: BEFORE_SECONDS + limit + AFTER_SECONDS,
    ...(prepare === undefined ? {} : { prepare }),
    events: async (lab) => {
      await pause(BEFORE_SECONDS);
      await Promise.all([attack.beside?.(lab), runAttack(lab, attack, limit)]);
      await pause(AFTER_SECONDS);
    },
  };
}

async function runAttack(lab: Lab, attack: SetAttack, limitSeconds: number): Promise<void> {
  const limited = ['timeout', '-k', String(KILL_SECONDS), String(limitSeconds)];
  const command = [...limited, ...attack.command(lab)];
  await lab.log.during(`${attack.name} by ${attack.tool}`, [attack.host], async () => {
    const { exitCode, output } = await lab.run(attack.host, command);
    if (!EXPECTED.includes(exitCode)) {
      process.stderr.write(`${attack.name} ended with ${exitCode ?? 'a signal'}: ${output}\n`);
    }
  });
}
