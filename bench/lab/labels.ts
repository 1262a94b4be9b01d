import type { Note } from './log.js';

/** What is in a capture, by those who made it. */
export interface Label {
  readonly file: string;
  readonly kind: 'benign' | 'attack';
  readonly shows: string;
  readonly packets: number;
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
  readonly sha256: string;
  /** What the choices of who does what when were made from. */
  readonly seed: number;
  readonly attack: AttackLabel | null;
  /** What the lab's log says was done, besides the office's usual work. */
  readonly notes: readonly Note[];
}

export interface AttackLabel {
  readonly technique: string;
  readonly techniqueName: string;
  readonly tool: string;
  /** Null where the sources are forged. */
  readonly attacker: string | null;
  /** Sender of the attack's frames at the switch: the attacker's own, or the gateway's. */
  readonly mac: string;
  /** Addresses or prefixes. */
  readonly victims: readonly string[];
  readonly intensity: number;
  /** Capture filter (pcap-filter) of the attacker's packets. */
  readonly filter: string;
  readonly packets: number;
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
}

export interface Labels {
  readonly origin: string;
  readonly licence: string;
  readonly captures: readonly Label[];
}

export const ORIGIN = 'made by bench/lab';
export const LICENCE = 'Apache-2.0';
export const LABELS_FILE = 'labels.json';
export const INDEX_FILE = 'INDEX.md';
