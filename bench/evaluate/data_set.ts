import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tickOf } from '../../src/domain/tick.js';
import type { Stage } from '../../src/domain/evidence.js';
import { LABELS_FILE, type Label, type Labels } from '../lab/labels.js';
import { INSIDE, Prefixes } from './address.js';
import { packetsOf } from './packets.js';

/** A part of a set: detectors may be looked at with `tune`, figures come from `test`. */
export type Split = 'tune' | 'test';

/** What an address was to an attack in a tick; what was affected by one counts neither way. */
export type Role = 'attacker' | 'affected';

export interface LabelledIncident {
  readonly id: string;
  readonly kind: string;
  readonly stage: Stage;
  readonly attackers: readonly string[];
  readonly victims: readonly string[];
  /** Addresses that an alarm may name and be right. */
  readonly entities: readonly string[];
  readonly onsetUs: number;
  readonly endUs: number;
  readonly intensity: number;
  readonly tool: string;
  /** When the attackers opened connections, in time order. */
  readonly contactsUs: readonly number[];
}

export interface TickLabel {
  readonly role: Role;
  readonly incident: LabelledIncident;
}

/** A capture with its truth. Each is a run of its own. */
export interface LabelledCapture {
  readonly name: string;
  readonly path: string;
  readonly split: Split;
  readonly origin: string;
  readonly seed: number;
  readonly devices: number;
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
  readonly incidents: readonly LabelledIncident[];
  /** Addresses of the lab's own hosts and of outside attackers. */
  readonly hosts: ReadonlySet<string>;
  /** By `tickKey`. */
  readonly ticks: ReadonlyMap<string, TickLabel>;
  /** True for the packet at a position when it is of an attack. */
  readonly isAttack: (position: number) => boolean;
}

export const tickKey = (address: string, tick: number): string => `${address} ${tick}`;

/** A capture that was not opened yet. */
export interface ListedCapture {
  readonly name: string;
  readonly path: string;
  readonly split: Split;
  readonly isBenign: boolean;
  /** The benign capture that it was laid over; null where it was recorded as it is. */
  readonly base: string | null;
  readonly open: () => LabelledCapture;
}

/** The captures of a set, in their order; each is read when it is opened. */
export function capturesOf(folder: string): readonly ListedCapture[] {
  const list = join(folder, CAPTURES_FILE);
  if (existsSync(list)) {
    return linesOf<CaptureLine>(list).map((line) => {
      const { name, split, role, base } = line;
      const path = labPath(folder, line);
      return {
        name,
        path,
        split,
        isBenign: role === 'benign',
        base,
        open: () => readLab(folder, line),
      };
    });
  }
  const labels = JSON.parse(readFileSync(join(folder, LABELS_FILE), 'utf8')) as Labels;
  return labels.captures.map((label) => {
    const { file, attack } = label;
    const path = join(folder, file);
    const facts = { name: file, path, split: 'tune' as const, isBenign: attack === null };
    return { ...facts, base: null, open: () => readBundled(folder, label) };
  });
}

const labPath = (folder: string, { name }: CaptureLine): string => join(folder, `${name}.pcap.gz`);

const CAPTURES_FILE = 'captures.jsonl';

interface CaptureLine {
  readonly name: string;
  readonly role: 'benign' | 'attack';
  readonly split: Split;
  readonly origin: string;
  readonly base: string | null;
  readonly seed: number;
  readonly devices: number;
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
}

type LabelLine =
  | { readonly line: 'host'; readonly addresses: readonly string[] }
  | ({
      readonly line: 'incident';
      readonly incident: string;
      readonly attackerMacs?: readonly string[];
    } & Omit<LabelledIncident, 'id'>)
  | { readonly line: 'packets'; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly line: 'contacts'; readonly incident: string; readonly timesUs: readonly number[] }
  | {
      readonly line: 'tick';
      readonly incident: string;
      readonly tick: number;
      readonly entity: string;
      readonly role: Role;
    }
  | { readonly line: 'benign' };

const linesOf = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** The format of bench/lab (README, "The labelled data set"). */
function readLab(folder: string, line: CaptureLine): LabelledCapture {
  const hosts = new Set<string>();
  const incidents = new Map<string, LabelledIncident & { readonly contactsUs: number[] }>();
  const ticks = new Map<string, TickLabel>();
  const attack = new Set<number>();
  for (const label of linesOf<LabelLine>(join(folder, `${line.name}.labels.jsonl`))) {
    if (label.line === 'host') label.addresses.forEach((address) => hosts.add(address));
    else if (label.line === 'incident') {
      // Who attacks from outside does so by the gateway's station.
      const isInside = label.attackers.some((attacker) => INSIDE.has(attacker));
      const linkLocal = isInside ? (label.attackerMacs ?? []).map(linkLocalOf) : [];
      const entities = [...label.entities, ...linkLocal];
      incidents.set(label.incident, { ...label, id: label.incident, entities, contactsUs: [] });
    } else if (label.line === 'contacts') {
      incidents.get(label.incident)!.contactsUs.push(...label.timesUs);
    } else if (label.line === 'packets') {
      for (const [first, last] of label.ranges) {
        for (let position = first; position <= last; position++) attack.add(position);
      }
    } else if (label.line === 'tick') {
      addTick(ticks, tickKey(label.entity, label.tick), {
        role: label.role,
        incident: incidents.get(label.incident)!,
      });
    }
  }
  return {
    ...line,
    path: labPath(folder, line),
    incidents: [...incidents.values()],
    hosts,
    ticks,
    isAttack: (position) => attack.has(position),
  };
}

/** The IPv6 address that a station makes of its own (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const [a, b, c, d, e, f] = mac.split(':').map((part) => parseInt(part, 16));
  const words = [(a! ^ 2) * 256 + b!, c! * 256 + 0xff, 0xfe00 + d!, e! * 256 + f!];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`;
}

/** Who attacks is an attacker even where he is hit as well; the first attack of a tick counts. */
function addTick(ticks: Map<string, TickLabel>, key: string, label: TickLabel): void {
  const known = ticks.get(key);
  if (known === undefined || (known.role === 'affected' && label.role === 'attacker')) {
    ticks.set(key, label);
  }
}

/** What attack the technique and tool of a bundled capture stand for. */
const BUNDLED: Readonly<Record<string, readonly [kind: string, stage: Stage]>> = {
  horizontal_scan: ['scan_horizontal', 'recon'],
  vertical_scan: ['scan_vertical', 'recon'],
  ssh_guessing: ['guessing_ssh', 'cred'],
  syn_flood: ['syn_flood', 'impact'],
};

/** The captures of pcaps/, whose labels name the attacker's packets by their ends and times. */
function readBundled(folder: string, label: Label): LabelledCapture {
  const path = join(folder, label.file);
  const common = {
    name: label.file.replace(/\.pcap.*$/, ''),
    path,
    split: 'tune' as const,
    origin: 'recorded',
    seed: label.seed,
    devices: BUNDLED_DEVICES,
    firstPacketUs: label.firstPacketUs,
    lastPacketUs: label.lastPacketUs,
  };
  const { attack } = label;
  if (attack === null) {
    const [hosts, ticks] = [new Set<string>(), new Map<string, TickLabel>()];
    return { ...common, incidents: [], hosts, ticks, isAttack: () => false };
  }
  const [kind, stage] = BUNDLED[common.name]!;
  const attackers = attack.attacker === null ? [] : [attack.attacker];
  const contactsUs: number[] = [];
  const incident: LabelledIncident = {
    id: 'i1',
    kind,
    stage,
    attackers,
    victims: attack.victims,
    entities: [...attackers, ...attack.victims],
    onsetUs: attack.firstPacketUs,
    endUs: attack.lastPacketUs,
    intensity: attack.intensity,
    tool: attack.tool,
    contactsUs,
  };
  const victims = new Prefixes(attack.victims);
  const ticks = new Map<string, TickLabel>();
  const positions = new Set<number>();
  const connections = new Set<string>();
  let position = 0;
  for (const packet of packetsOf(path)) {
    const { timeUs, source, destination } = packet;
    const isThen = timeUs >= incident.onsetUs && timeUs <= incident.endUs;
    const isFrom = attack.attacker === null || source === attack.attacker;
    if (isThen && isFrom && source !== '' && victims.has(destination)) {
      positions.add(position);
      if (attack.attacker !== null) {
        addTick(ticks, tickKey(source, tickOf(timeUs)), { role: 'attacker', incident });
      }
      addTick(ticks, tickKey(destination, tickOf(timeUs)), { role: 'affected', incident });
      const connection = `${source} ${packet.sourcePort} ${destination} ${packet.destinationPort}`;
      if (!connections.has(connection)) contactsUs.push(timeUs);
      connections.add(connection);
    }
    position++;
  }
  return {
    ...common,
    incidents: [incident],
    hosts: new Set(attackers),
    ticks,
    isAttack: (at) => positions.has(at),
  };
}

/** Hosts on the switch of the bundled office. */
const BUNDLED_DEVICES = 15;
