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
  const story = storyOf(facts, own, ends);
  const attackers = facts.attackers.filter((address) => story.attackers.has(address));
  const plainVictims = facts.victims.filter((victim) => !victim.includes('/'));
  const incident: IncidentLine = {
    line: 'incident',
    ...facts,
    attackers,
    attackerMacs: [...story.macs],
    entities: [...new Set([...attackers, ...plainVictims])],
    onsetUs: own[0]!.timeUs,
    endUs: own.at(-1)!.timeUs,
    packets: own.length,
    contacts: story.contacts,
  };
  const { incident: id } = facts;
  return [
    incident,
    ...inPieces(rangesOf(positions)).map((ranges): PacketsLine => ({
      line: 'packets',
      incident: id,
      ranges,
    })),
    ...inPieces(story.contactsUs).map((timesUs): ContactsLine => ({
      line: 'contacts',
      incident: id,
      timesUs,
    })),
    ...tickLines(id, own, { ends, senders: story.senders }),
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

/** What the packets of an attack tell. */
interface Story {
  readonly attackers: ReadonlySet<string>;
  readonly macs: ReadonlySet<string>;
  /** New five-tuples of attackers, and the times of the first of them. */
  readonly contacts: number;
  readonly contactsUs: readonly number[];
  /** Of each packet, by whom it was sent. */
  readonly senders: readonly Sender[];
}

interface Sender {
  readonly isAttacker: boolean;
  /** Null where nobody can be named: the address is forged. */
  readonly entity: string | null;
}

function storyOf(facts: Attackers, packets: readonly Packet[], ends: readonly FrameEnds[]): Story {
  const seen = new Set<string>();
  const [attackers, macs] = [new Set<string>(), new Set<string>()];
  const contactsUs: number[] = [];
  const senders = ends.map((end, i): Sender => {
    const attacker = attackerOf(facts, end);
    if (attacker === null) return { isAttacker: false, entity: end.source };
    if (!seen.has(end.tuple) && !answersKnown(seen, end)) {
      seen.add(end.tuple);
      attackers.add(attacker);
      if (contactsUs.length < MOST_CONTACTS) contactsUs.push(packets[i]!.timeUs);
    }
    // Before its first contact it only answers those who attack it.
    if (!attackers.has(attacker)) return { isAttacker: false, entity: attacker };
    macs.add(end.sourceMac);
    return { isAttacker: true, entity: attacker === FORGED ? null : attacker };
  });
  return { attackers, macs, contacts: seen.size, contactsUs, senders };
}

const FORGED = 'forged';

/** Which of those who could attack has sent it; null where none has. */
function attackerOf(facts: Attackers, { source, sourceMac }: FrameEnds): string | null {
  if (source === null) return null;
  const [first, second] = facts.attackers;
  if (first === undefined) return facts.victims.includes(source) ? null : FORGED;
  if (facts.attackers.includes(source)) return source;
  // On the link the address that is told may be a lie.
  return second === undefined && facts.attackerMacs[0] === sourceMac ? first : null;
}

function answersKnown(seen: ReadonlySet<string>, { tuple }: FrameEnds): boolean {
  const [protocol, source, destination, port, otherPort] = tuple.split(' ');
  if (otherPort === undefined) return false;
  return seen.has([protocol, destination, source, otherPort, port].join(' '));
}

function tickLines(
  incident: string,
  packets: readonly Packet[],
  told: { readonly ends: readonly FrameEnds[]; readonly senders: readonly Sender[] },
): TickLine[] {
  const counts = new Map<string, number>();
  const add = (tick: number, role: TickLine['role'], entity: string | null): void => {
    if (entity === null) return;
    const key = `${tick} ${role} ${entity}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  told.senders.forEach(({ isAttacker, entity }, i) => {
    const tick = tickOf(packets[i]!.timeUs);
    add(tick, isAttacker ? 'attacker' : 'affected', entity);
    add(tick, 'affected', told.ends[i]!.destination);
  });
  const lines = [...counts].map(([key, count]): TickLine => {
    const [tick, role, entity] = key.split(' ') as [string, TickLine['role'], string];
    return { line: 'tick', incident, tick: Number(tick), entity, role, packets: count };
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
