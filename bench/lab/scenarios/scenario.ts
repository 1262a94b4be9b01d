import type { Lab } from '../lab.js';

/** One capture: what happens while the office works. */
export interface Scenario {
  /** Of the capture's file, without ending. */
  readonly name: string;
  /** One sentence for a reader who chooses a capture. */
  readonly shows: string;
  /** How long the office works, in seconds. */
  readonly seconds: number;
  /** Null in a benign one. */
  readonly attack: Attack | null;
  /** What happens beside the office's usual work; resolves when it is over. */
  readonly events: (lab: Lab) => Promise<void>;
}

export interface Attack {
  /** ATT&CK id and name. */
  readonly technique: string;
  readonly techniqueName: string;
  /** Null where the sources are forged. */
  readonly attacker: string | null;
  /** Sender of its frames at the switch. */
  readonly mac: string;
  /** Addresses or prefixes. */
  readonly victims: readonly string[];
  /** Where it is run. */
  readonly host: string;
  readonly tool: string;
  /** Words of the command line at an intensity; the last argument names the lab's folder. */
  readonly command: (intensity: number, folder: string) => readonly string[];
  /** Capture filter (pcap-filter) that matches the attack's packets and no other. */
  readonly filter: string;
}
