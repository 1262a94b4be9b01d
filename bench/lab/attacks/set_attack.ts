import type { Stage } from '../../../src/domain/evidence.js';
import { GATEWAY, OUTSIDER, type Host } from '../hosts.js';
import type { Lab } from '../lab.js';
import { programFile, type ProgramName } from '../programs/index.js';

/** By whom an attack is used: to choose things, or to measure what was chosen. */
export type Split = 'tune' | 'test';

/** Who attacks, as the capture point sees it. */
export interface Attacker {
  readonly address: string;
  readonly mac: string;
}

/** One attack of the data set, with one tool; its pace is set by the intensity. */
export interface SetAttack {
  /** `KIND-TOOL`. */
  readonly name: string;
  readonly kind: string;
  readonly stage: Stage;
  /** ATT&CK id and name. */
  readonly technique: string;
  readonly techniqueName: string;
  readonly tool: string;
  readonly split: Split;
  /** Empty where all sources are forged. */
  readonly attackers: readonly Attacker[];
  /** Addresses or prefixes. */
  readonly victims: readonly string[];
  /** Where the command is run. */
  readonly host: string;
  /** It is stopped after so long at full pace; `secondsAt` gives slower ones more time. */
  readonly seconds: number;
  /** Starts what the attack needs, before the capture's quiet beginning. */
  readonly prepare?: (lab: Lab) => Promise<void> | void;
  /** What happens at the same time because of it. */
  readonly beside?: (lab: Lab) => Promise<void>;
  readonly command: (lab: Lab) => readonly string[];
  /** Capture filter (pcap-filter) of the attack's packets, both directions, and no other. */
  readonly filter: string;
}

/** A slower attack gets more time, but not as much more as it is slower. */
const LONGEST = 2.5;

export function secondsAt(attack: SetAttack, intensity: number): number {
  return Math.round(attack.seconds * Math.min(LONGEST, intensity ** -0.3));
}

/** The host of the internet that attacks, is attacked from, or is called home to. */
export const OUTSIDE: Attacker = { address: OUTSIDER.siteEnd.split('/')[0]!, mac: GATEWAY.mac };

export function at(host: Host): Attacker {
  return { address: host.address, mac: host.mac };
}

/** The command line that runs a program of the lab. */
export function own(program: ProgramName, ...args: readonly (string | number)[]): string[] {
  return [process.execPath, programFile(program), ...args.map(String)];
}

/** A command line of the shell's. */
export function shell(lines: readonly string[]): string[] {
  return ['sh', '-c', lines.join('\n')];
}
