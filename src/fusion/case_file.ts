import type { EntityRef } from '../domain/entity.js';
import type { Evidence } from '../domain/evidence.js';
import type { Alarm, Incident } from '../domain/incident.js';
import { LANE_INDEX, LANES, type LaneId } from '../domain/lanes.js';
import { compareOrder } from '../domain/order.js';
import { confidenceOf, severityOf } from './judgement.js';
import { EVIDENCE_MOST } from './evidence_keeper.js';
import { stageOf } from './stage.js';

/** Other hosts that an incident names. */
const OTHERS_MOST = 64;

/** Alarms kept of one entity. */
const ALARMS_MOST = 16;

/** Evidence between two entities that connects them, nats. */
const EDGE_LEAST = 2;

/**
 * A lane is named as a detector of the incident, beside the strongest, when its weighted wealth is
 * above this, nats: more than a day without evidence would have earned it.
 */
const LANE_LEAST = 8;

/** The part of one entity in an incident: its alarms, the last of each time it alarmed. */
interface Part {
  readonly entity: EntityRef;
  /** Alarms that have closed, and the one that has not. */
  alarms: Alarm[];
}

/** One incident while it grows: the alarms of all entities that are connected. */
export class CaseFile {
  readonly id: string;
  readonly opening: Alarm;
  lastSeenUs = 0;
  readonly #parts = new Map<number, Part>();

  constructor(id: string, opening: Alarm) {
    this.id = id;
    this.opening = opening;
  }

  get entityKeys(): IterableIterator<number> {
    return this.#parts.keys();
  }

  /** Takes an alarm: in place of the one before when it is the same alarm, grown. */
  add(alarm: Alarm): void {
    const part = this.#parts.get(alarm.entity.key);
    if (part === undefined) {
      this.#parts.set(alarm.entity.key, { entity: alarm.entity, alarms: [alarm] });
    } else if (alarm.state === 'open') {
      part.alarms.push(alarm);
      // The first says how it began; of the rest the latest matter.
      if (part.alarms.length > ALARMS_MOST) part.alarms.splice(1, 1);
    } else {
      part.alarms[part.alarms.length - 1] = alarm;
    }
    this.lastSeenUs = Math.max(this.lastSeenUs, lastTimeOf(alarm));
  }

  /** Takes over everything of another one. */
  absorb(other: CaseFile): void {
    for (const [key, part] of other.#parts) {
      const own = this.#parts.get(key);
      if (own === undefined) this.#parts.set(key, part);
      else own.alarms.push(...part.alarms);
    }
    this.lastSeenUs = Math.max(this.lastSeenUs, other.lastSeenUs);
  }

  /** True when strong enough evidence runs between an alarm's entity and one of the case. */
  isConnected(alarm: Alarm): boolean {
    const { address } = alarm.entity;
    const towards = new Set([...this.#parts.values()].map((part) => part.entity.address));
    return (
      lnEdge(alarm.evidence, (other) => towards.has(other)) >= EDGE_LEAST ||
      lnEdge(this.#pieces(), (other) => other === address) >= EDGE_LEAST
    );
  }

  /** True when the same detector says the same of the same peer: one cause, however many entities. */
  hasSameCause(alarm: Alarm): boolean {
    const peer = mainPeer(alarm);
    if (peer === null || this.opening.entity.kind !== alarm.entity.kind) return false;
    return winner(this.opening) === winner(alarm) && mainPeer(this.opening) === peer;
  }

  toIncident(): Incident {
    const alarms = [...this.#parts.values()].flatMap((part) => part.alarms);
    const evidence = selected(this.#evidence());
    const all = evidence.length > 0 ? evidence : this.opening.evidence;
    const stage = stageOf(all);
    const { entity } = this.#parts.get(this.opening.entity.key)!.alarms.at(-1)!;
    const lanes = lanesOf(alarms);
    return {
      id: this.id,
      entity,
      others: this.#others(entity),
      severity: severityOf(
        [...this.#parts.values()].map((part) => part.entity),
        stage,
      ),
      confidence: Math.max(...alarms.map(confidenceOf)),
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
    const more = this.#parts.size - 1;
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

/** The first, the last and the most telling pieces, in their order. */
function selected(evidence: readonly Evidence[]): readonly Evidence[] {
  if (evidence.length <= EVIDENCE_MOST) return evidence;
  const middle = evidence.slice(1, -1).map((piece, i) => ({ piece, i }));
  middle.sort((a, b) => b.piece.lnE - a.piece.lnE || a.i - b.i);
  const kept = middle.slice(0, EVIDENCE_MOST - 2).sort((a, b) => a.i - b.i);
  return [evidence[0]!, ...kept.map(({ piece }) => piece), evidence.at(-1)!];
}
