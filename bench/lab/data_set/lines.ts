import type { Split } from '../attacks/set_attack.js';
import type { Activity } from '../log.js';

/** The data set's format: see README.md, field by field. */
export const FORMAT = 1;
export const CAPTURES_FILE = 'captures.jsonl';
/** Ranges or times in one line. */
export const MOST_PER_LINE = 4096;
/** Times of contacts in all. */
export const MOST_CONTACTS = 65_536;

/** A line of `captures.jsonl`. */
export interface CaptureLine {
  readonly format: typeof FORMAT;
  readonly name: string;
  readonly role: 'benign' | 'attack';
  readonly split: Split;
  readonly origin: 'recorded' | 'overlay';
  readonly seed: number;
  readonly acceleration: number;
  readonly base: string | null;
  readonly recording: string | null;
  readonly devices: number;
  readonly packets: number;
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
  readonly sha256: string;
}

export interface HostLine {
  readonly line: 'host';
  readonly name: string;
  readonly kind: 'device' | 'server' | 'gateway' | 'outside';
  readonly addresses: readonly string[];
  readonly mac: string | null;
}

export interface BenignLine {
  readonly line: 'benign';
  readonly activity: Activity;
  readonly what: string;
  readonly hosts: readonly string[];
  readonly fromUs: number;
  readonly toUs: number;
}

/** What is known of an attack before its packets are. */
export interface Attackers {
  readonly attackers: readonly string[];
  readonly attackerMacs: readonly string[];
  readonly victims: readonly string[];
}

export interface IncidentLine extends Attackers {
  readonly line: 'incident';
  readonly incident: string;
  readonly kind: string;
  readonly stage: string;
  readonly technique: string;
  readonly techniqueName: string;
  readonly entities: readonly string[];
  readonly onsetUs: number;
  readonly endUs: number;
  readonly packets: number;
  readonly contacts: number;
  readonly intensity: number;
  readonly tool: string;
  readonly split: Split;
}

export interface PacketsLine {
  readonly line: 'packets';
  readonly incident: string;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export interface ContactsLine {
  readonly line: 'contacts';
  readonly incident: string;
  readonly timesUs: readonly number[];
}

export interface TickLine {
  readonly line: 'tick';
  readonly incident: string;
  readonly tick: number;
  readonly entity: string;
  readonly role: 'attacker' | 'affected';
  readonly packets: number;
}

export type LabelLine =
  HostLine | BenignLine | IncidentLine | PacketsLine | ContactsLine | TickLine;

/** JSON lines, as they are written. */
export function textOf(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function linesOf<Line>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
