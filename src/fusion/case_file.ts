import type { EntityRef } from '../domain/entity.js';
import type { Evidence } from '../domain/evidence.js';
import type { Alarm, Incident } from '../domain/incident.js';
import type { LanePriors } from '../domain/lane_priors.js';
import { LANE_INDEX, LANES, type LaneId } from '../domain/lanes.js';
import { compareOrder } from '../domain/order.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { confidenceOf, severityOf } from './judgement.js';
import { EVIDENCE_MOST } from './evidence_keeper.js';
import { stageOf } from './stage.js';

/** Other hosts that an incident names. */
const OTHERS_MOST = 64;

/** Alarms kept of one entity. */
const ALARMS_MOST = 16;

/** Entities whose alarms are kept in full; of the others the last one, with its best evidence. */
const FULL_PARTS_MOST = 32;
const SLIM_EVIDENCE_MOST = 4;
/** Entities that an incident keeps alarms of; the others are counted, and known again. */
const PARTS_MOST = 2048;
const KNOWN_MOST = 65_536;

/** Evidence between two entities that connects them, nats. */
const EDGE_LEAST = 2;
const NEGLIGIBLE = 1e-9;
/** Outside hosts in one incident above which they are a crowd. */
const CROWD_PARTS = 10;

/**
 * A lane is named as a detector of the incident, beside the strongest, when its weighted wealth is
 * above this, nats: more than a day without evidence would have earned it.
 */
const LANE_LEAST = 8;

/** The part of one entity in an incident: its alarms, the last of each time it alarmed. */
interface Part {
  readonly entity: EntityRef;
  /** Alarms that have closed, and the one that has not. */
  readonly alarms: Alarm[];
  readonly isFull: boolean;
}

/** One incident while it grows: the alarms of all entities that are connected. */
export class CaseFile {
  readonly id: string;
  readonly opening: Alarm;
  lastSeenUs = 0;
  /** An earlier run opened it, and this one has added nothing that is news. */
  isCarriedOver = false;
  /** The tick in which it was last told of. */
  toldTick = -Infinity;
  readonly #cause: Cause;
  readonly #parts = new Map<number, Part>();
  readonly #addresses = new Set<string>();
  /** Sum of the kept evidence against each address, nats. */
  readonly #against = new Map<string, number>();
  /** Entities that no alarms are kept of. */
  readonly #known = new Set<number>();

  constructor(id: string, opening: Alarm) {
    this.id = id;
    this.opening = opening;
    this.#cause = causeOf(opening);
  }

  has(key: number): boolean {
    return this.#parts.has(key) || this.#known.has(key);
  }

  /** Takes an alarm: in place of the one before when it is the same alarm, grown. */
  add(alarm: Alarm): void {
    const known = this.#parts.get(alarm.entity.key)?.alarms.at(-1)?.evidenceCount ?? 0;
    if (alarm.state === 'open' || alarm.evidenceCount > known) this.isCarriedOver = false;
    this.lastSeenUs = Math.max(this.lastSeenUs, lastTimeOf(alarm));
    const part = this.#partOf(alarm.entity);
    if (part === null) return;
    if (alarm.state !== 'open' || !part.isFull) this.#drop(part, part.alarms.length - 1);
    this.#keep(part, alarm);
  }

  /** Takes over everything of another one. */
  absorb(other: CaseFile): void {
    for (const theirs of other.#parts.values()) {
      const own = this.#partOf(theirs.entity);
      if (own === null) continue;
      for (const alarm of own.isFull ? theirs.alarms : theirs.alarms.slice(-1)) {
        this.#keep(own, alarm);
      }
    }
    for (const key of other.#known) this.#know(key);
    this.lastSeenUs = Math.max(this.lastSeenUs, other.lastSeenUs);
    this.isCarriedOver &&= other.isCarriedOver;
  }

  /**
   * True when strong enough evidence runs between an alarm's entity and one of the case.
   * @param peers those that the evidence of the alarm is about, each once
   */
  isConnected(alarm: Alarm, peers: ReadonlySet<string>): boolean {
    const isOwn = (address: string): boolean => this.#addresses.has(address);
    if (this.#hasAny(peers) && lnEdge(alarm.evidence, isOwn) >= EDGE_LEAST) return true;
    if (this.#isCrowd) return false;
    return (this.#against.get(alarm.entity.address) ?? 0) >= EDGE_LEAST;
  }

  #hasAny(peers: ReadonlySet<string>): boolean {
    for (const peer of peers) if (this.#addresses.has(peer)) return true;
    return false;
  }

  /** True when the same detector says the same of the same peer: one cause, however many entities. */
  hasSameCause(cause: Cause): boolean {
    return cause.peer !== null && this.#cause.peer === cause.peer && this.isOfKind(cause);
  }

  /** True when the same detector opened it about an entity of the same kind. */
  isOfKind({ kind, lane }: Cause): boolean {
    return this.#cause.kind === kind && this.#cause.lane === lane;
  }

  /** So many outside hosts that whom they all tried has nothing to do with them. */
  get #isCrowd(): boolean {
    return this.#cause.kind === 'external' && this.#parts.size > CROWD_PARTS;
  }

  /** @returns null when no more alarms are kept of any other entity */
  #partOf(entity: EntityRef): Part | null {
    const known = this.#parts.get(entity.key);
    if (known !== undefined) return known;
    if (this.#parts.size >= PARTS_MOST) {
      this.#know(entity.key);
      return null;
    }
    const part = { entity, alarms: [], isFull: this.#parts.size < FULL_PARTS_MOST };
    this.#parts.set(entity.key, part);
    this.#addresses.add(entity.address);
    return part;
  }

  #know(key: number): void {
    if (this.#known.size < KNOWN_MOST && !this.#parts.has(key)) this.#known.add(key);
  }

  /** The first alarm of an entity says how it began; of the rest the latest matter. */
  #keep(part: Part, alarm: Alarm): void {
    if (part.alarms.length >= (part.isFull ? ALARMS_MOST : 1)) {
      this.#drop(part, part.isFull ? 1 : 0);
    }
    const kept = part.isFull ? alarm : slim(alarm);
    part.alarms.push(kept);
    this.#weigh(kept, 1);
  }

  #drop(part: Part, i: number): void {
    for (const alarm of part.alarms.splice(i, 1)) this.#weigh(alarm, -1);
  }

  /** Adds the evidence of an alarm to the sums against each address, or takes it away. */
  #weigh(alarm: Alarm, sign: 1 | -1): void {
    for (const { other, lnE } of alarm.evidence) {
      if (other === null) continue;
      const sum = (this.#against.get(other) ?? 0) + sign * lnE;
      if (sum > NEGLIGIBLE) this.#against.set(other, sum);
      else this.#against.delete(other);
    }
  }

  save(out: StateWriter): void {
    out.text(this.id);
    out.json(finite(this.opening));
    out.f64(this.lastSeenUs);
    out.u32(this.#parts.size);
    for (const { entity, alarms } of this.#parts.values()) {
      out.json({ entity, alarms: alarms.map(finite) });
    }
    out.u32(this.#known.size);
    for (const key of this.#known) out.f64(key);
  }

  static restored(from: StateReader): CaseFile {
    const file = new CaseFile(from.text(), from.json() as Alarm);
    file.isCarriedOver = true;
    file.lastSeenUs = from.f64();
    const nParts = from.count(PARTS_MOST);
    for (let i = 0; i < nParts; i++) {
      const { entity, alarms } = from.json() as Pick<Part, 'entity' | 'alarms'>;
      const part = file.#partOf(entity);
      if (part !== null) for (const alarm of alarms) file.#keep(part, alarm);
    }
    const nKnown = from.count(KNOWN_MOST);
    for (let i = 0; i < nKnown; i++) file.#known.add(from.natural());
    return file;
  }

  toIncident(priors: LanePriors): Incident {
    const alarms = [...this.#parts.values()].flatMap((part) => part.alarms);
    const evidence = selected(this.#evidence());
    const all = evidence.length > 0 ? evidence : this.opening.evidence;
    const lanes = lanesOf(alarms);
    const stage = stageOf(telling(all, lanes));
    const { entity } = this.#parts.get(this.opening.entity.key)!.alarms.at(-1)!;
    return {
      id: this.id,
      entity,
      others: this.#others(entity),
      severity: severityOf(
        [...this.#parts.values()].map((part) => part.entity),
        stage,
      ),
      confidence: Math.max(...alarms.map((alarm) => confidenceOf(alarm, priors))),
      loss: Math.max(...alarms.map((alarm) => alarm.loss ?? 0)),
      lnWealth: Math.max(...alarms.map((alarm) => alarm.lnWealth)),
      stage,
      detectors: lanes,
      attack: [...new Set(lanes.flatMap((id) => LANES[LANE_INDEX[id]]!.attack))],
      firstSeenUs: Math.min(...all.map((piece) => piece.t0Us)),
      lastSeenUs: this.lastSeenUs,
      openedUs: this.opening.timeUs,
      order: this.opening.order,
      summary: this.#summary(entity),
      evidence: all,
      evidenceCount: alarms.reduce((sum, alarm) => sum + alarm.evidenceCount, 0),
    };
  }

  #summary(entity: EntityRef): string {
    const own = this.#parts.get(entity.key)!.alarms;
    const strongest = own.reduce((a, b) => (b.lnWealth > a.lnWealth ? b : a));
    const more = this.#parts.size + this.#known.size - 1;
    const along = more === 0 ? '' : more === 1 ? ' (and 1 more host)' : ` (and ${more} more hosts)`;
    // Whoever is flooded need not have shown that it is there; whoever attacks may have made it up.
    const isVictim = LANES[LANE_INDEX[winner(strongest)]]!.stage === 'impact';
    const claimed = entity.proven || isVictim ? '' : ' (address not proven)';
    return `${entity.address}${claimed} ${strongest.headline}${along}`;
  }

  #pieces(): Evidence[] {
    const parts = [...this.#parts.values()];
    return parts.flatMap((part) => part.alarms.flatMap((alarm) => alarm.evidence));
  }

  /** In time order. */
  #evidence(): Evidence[] {
    return this.#pieces().sort(
      (a, b) => compareOrder(a.order, b.order) || a.entity.key - b.entity.key,
    );
  }

  #others(entity: EntityRef): string[] {
    const alarmed = [...this.#parts.values()].map((part) => part.entity.address);
    const met = this.#evidence().flatMap((piece) => piece.other ?? []);
    const others = [...new Set([...alarmed, ...met])].filter((other) => other !== entity.address);
    return others.slice(0, OTHERS_MOST);
  }
}

/** What the end of a run said has no moment in the order of the next one but its time. */
function finite(alarm: Alarm): Alarm {
  if (Number.isFinite(alarm.order.timeUs)) return alarm;
  return { ...alarm, order: { timeUs: alarm.timeUs, index: -1, sub: 0 } };
}

function lastTimeOf(alarm: Alarm): number {
  return alarm.evidence.reduce((last, piece) => Math.max(last, piece.t1Us), -Infinity);
}

/** Sum of the evidence of an entity against peers of a kind, nats. */
function lnEdge(evidence: readonly Evidence[], isPeer: (other: string) => boolean): number {
  return evidence.reduce(
    (sum, { other, lnE }) => (other !== null && isPeer(other) ? sum + lnE : sum),
    0,
  );
}

const winner = (alarm: Alarm): LaneId => alarm.lanes[0]!.lane;

/** What an alarm is about: entities of one kind with the same cause are one incident. */
export interface Cause {
  readonly kind: EntityRef['kind'];
  readonly lane: LaneId;
  /** Null when there is no main one. */
  readonly peer: string | null;
}

/** Who the evidence of an alarm is about. */
export function peersOf(alarm: Alarm): ReadonlySet<string> {
  return new Set(alarm.evidence.flatMap(({ other }) => other ?? []));
}

export function causeOf(alarm: Alarm): Cause {
  return { kind: alarm.entity.kind, lane: winner(alarm), peer: mainPeer(alarm) };
}

/** With its best evidence only. */
function slim(alarm: Alarm): Alarm {
  if (alarm.evidence.length <= SLIM_EVIDENCE_MOST) return alarm;
  const ranked = alarm.evidence.map((piece, i) => ({ piece, i }));
  ranked.sort((a, b) => b.piece.lnE - a.piece.lnE || a.i - b.i);
  const best = ranked.slice(0, SLIM_EVIDENCE_MOST).sort((a, b) => a.i - b.i);
  return { ...alarm, evidence: best.map(({ piece }) => piece) };
}

/** The peer that more than half of the evidence is about. */
function mainPeer(alarm: Alarm): string | null {
  const sums = new Map<string, number>();
  let total = 0;
  for (const { other, lnE } of alarm.evidence) {
    total += lnE;
    if (other !== null) sums.set(other, (sums.get(other) ?? 0) + lnE);
  }
  for (const [peer, sum] of sums) if (sum > total / 2) return peer;
  return null;
}

/** Lanes that had evidence, strongest first. */
function lanesOf(alarms: readonly Alarm[]): LaneId[] {
  const best = new Map<LaneId, number>();
  for (const { lane, lnWealth } of alarms.flatMap((alarm) => alarm.lanes)) {
    best.set(lane, Math.max(best.get(lane) ?? -Infinity, lnWealth));
  }
  const sorted = [...best].sort((a, b) => b[1] - a[1]);
  const named = sorted.filter(([, lnWealth], i) => i === 0 || lnWealth >= LANE_LEAST);
  return named.map(([lane]) => lane);
}

/** What the named detectors said: the little that others hold against somebody says no stage. */
function telling(evidence: readonly Evidence[], lanes: readonly LaneId[]): readonly Evidence[] {
  const said = evidence.filter(({ lane }) => lanes.includes(lane));
  return said.length > 0 ? said : evidence;
}

/** The first, the last and the most telling pieces, in their order. */
function selected(evidence: readonly Evidence[]): readonly Evidence[] {
  if (evidence.length <= EVIDENCE_MOST) return evidence;
  const middle = evidence.slice(1, -1).map((piece, i) => ({ piece, i }));
  middle.sort((a, b) => b.piece.lnE - a.piece.lnE || a.i - b.i);
  const kept = middle.slice(0, EVIDENCE_MOST - 2).sort((a, b) => a.i - b.i);
  return [evidence[0]!, ...kept.map(({ piece }) => piece), evidence.at(-1)!];
}
