import { tickOf } from '../../../src/domain/tick.js';
import { frameOf, type Packet } from '../pcap_file.js';
import { endsOf, type FrameEnds } from './frame_ends.js';
import {
  MOST_CONTACTS,
  MOST_PER_LINE,
  type Attackers,
  type ContactsLine,
  type IncidentLine,
  type LabelLine,
  type PacketsLine,
  type TickLine,
} from './lines.js';

/** What is known of an incident beside its packets. */
export type IncidentFacts = Omit<
  IncidentLine,
  'line' | 'entities' | 'onsetUs' | 'endUs' | 'packets' | 'contacts'
>;

/** The lines of one incident, from the packets of the capture and the positions of its own. */
export function incidentLines(
  facts: IncidentFacts,
  packets: readonly Packet[],
  positions: readonly number[],
): LabelLine[] {
  const own = positions.map((position) => packets[position]!);
  const ends = own.map((packet) => endsOf(frameOf(packet)));
  const contacts = contactsOf(facts, own, ends);
  const active = activeAttackers(facts, ends);
  const plainVictims = facts.victims.filter((victim) => !victim.includes('/'));
  const incident: IncidentLine = {
    line: 'incident',
    ...facts,
    attackers: active,
    attackerMacs: macsOf(facts, ends),
    entities: [...new Set([...active, ...plainVictims])],
    onsetUs: own[0]!.timeUs,
    endUs: own.at(-1)!.timeUs,
    packets: own.length,
    contacts: contacts.count,
  };
  const { incident: id } = facts;
  return [
    incident,
    ...inPieces(rangesOf(positions)).map((ranges): PacketsLine => ({
      line: 'packets',
      incident: id,
      ranges,
    })),
    ...inPieces(contacts.timesUs).map((timesUs): ContactsLine => ({
      line: 'contacts',
      incident: id,
      timesUs,
    })),
    ...tickLines({ ...facts, attackers: active }, own, ends),
  ];
}

/** Neighbouring positions as one range, both ends included. */
export function rangesOf(positions: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const position of positions) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === position - 1) range[1] = position;
    else ranges.push([position, position]);
  }
  return ranges;
}

/** Of those who could attack: who sent anything of it. */
function activeAttackers(facts: Attackers, ends: readonly FrameEnds[]): string[] {
  const senders = new Set(ends.map(({ source }) => source));
  const macs = new Set(ends.map(({ sourceMac }) => sourceMac));
  const isActive = (address: string, i: number): boolean =>
    senders.has(address) || (facts.attackers.length === 1 && macs.has(facts.attackerMacs[i]!));
  return facts.attackers.filter(isActive);
}

/** Senders of the attackers' frames, in the order in which they came. */
function macsOf(facts: Attackers, ends: readonly FrameEnds[]): string[] {
  const attacking = ends.filter((end) => isAttackers(facts, end));
  return [...new Set(attacking.map(({ sourceMac }) => sourceMac))];
}

function contactsOf(
  facts: Attackers,
  packets: readonly Packet[],
  ends: readonly FrameEnds[],
): { readonly count: number; readonly timesUs: readonly number[] } {
  const seen = new Set<string>();
  const timesUs: number[] = [];
  ends.forEach((end, i) => {
    if (!isAttackers(facts, end) || seen.has(end.tuple) || answersKnown(seen, end)) return;
    seen.add(end.tuple);
    if (timesUs.length < MOST_CONTACTS) timesUs.push(packets[i]!.timeUs);
  });
  return { count: seen.size, timesUs };
}

/** A host that was infected answers its infector before it attacks: that opens nothing. */
function answersKnown(seen: ReadonlySet<string>, { tuple }: FrameEnds): boolean {
  const [protocol, source, destination, port, otherPort] = tuple.split(' ');
  return (
    otherPort !== undefined && seen.has([protocol, destination, source, otherPort, port].join(' '))
  );
}

function isAttackers(facts: Attackers, { source, sourceMac }: FrameEnds): boolean {
  if (facts.attackers.length === 0) return source !== null && !facts.victims.includes(source);
  if (source !== null && facts.attackers.includes(source)) return true;
  // On the link the address that is told may be a lie.
  return facts.attackers.length === 1 && source !== null && facts.attackerMacs[0] === sourceMac;
}

function tickLines(
  facts: IncidentFacts,
  packets: readonly Packet[],
  ends: readonly FrameEnds[],
): TickLine[] {
  const counts = new Map<string, number>();
  const add = (tick: number, role: TickLine['role'], entity: string): void => {
    const key = `${tick} ${role} ${entity}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  ends.forEach((end, i) => {
    const tick = tickOf(packets[i]!.timeUs);
    const byAttacker = isAttackers(facts, end);
    const sender = byAttacker && facts.attackers.length === 1 ? facts.attackers[0]! : end.source;
    if (sender !== null && (facts.attackers.length > 0 || !byAttacker)) {
      add(tick, byAttacker ? 'attacker' : 'affected', sender);
    }
    if (end.destination !== null) add(tick, 'affected', end.destination);
  });
  const lines = [...counts].map(([key, count]): TickLine => {
    const [tick, role, entity] = key.split(' ') as [string, TickLine['role'], string];
    return {
      line: 'tick',
      incident: facts.incident,
      tick: Number(tick),
      entity,
      role,
      packets: count,
    };
  });
  // Who attacks in a tick is not also affected in it.
  return lines.filter(
    ({ role, tick, entity }) => role === 'attacker' || !counts.has(`${tick} attacker ${entity}`),
  );
}

function inPieces<T>(items: readonly T[]): T[][] {
  const pieces = Math.ceil(items.length / MOST_PER_LINE);
  return Array.from({ length: pieces }, (_, i) =>
    items.slice(i * MOST_PER_LINE, (i + 1) * MOST_PER_LINE),
  );
}
