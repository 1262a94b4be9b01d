import { formatAddress } from '../batch/address.js';
import {
  FlowEvents,
  FlowFlags,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { betaPredictive } from '../models/bernoulli.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { logAddExp, pOfLnE } from '../models/e_value.js';
import { RecencyMap } from '../models/recency_map.js';
import {
  bytesOf,
  countAt,
  LADDER_CELLS,
  LADDER_SPANS,
  LADDER_SPANS_US,
  LADDER_STEPS,
  type LadderPool,
  stepOf,
} from '../models/volume_ladder.js';
import type { Detector, DetectorContext } from './detector.js';
import { destinationKey, edgeKey } from './edge.js';
import { FlowDeltas } from './flow_deltas.js';
import { grouped, lasting } from './words.js';

/**
 * D3, data leaving: a device sends more to an outside destination than such destinations get. ATT&CK
 * T1041, T1048, T1030, T1567.
 *
 * Method: what is sent to one destination (a name, else a network) within an hour, and within a day,
 * climbs a ladder whose steps are each four times as large. P(next step | this step, normal) is
 * learned by the network for four kinds of destinations (new to the device or not, used by other
 * devices or not), and is the prior of what the device itself has shown; P(next step | theft) is 0.7. A step that is reached opens a bet that is booked as lost at once and turned
 * into a win when the next is climbed, so a theft is told while it goes on. The hour and the day have
 * half of the stake each. One destination is one ladder a span: however long a transfer lasts, it is
 * one observation, not one of each 5 s, which would depend on each other.
 *
 * Memory: 32 destinations of 0.2 kB and 64 open flows an entity. Cold start: the prior of the ladder,
 * two of five at each step, by which no volume alone is an incident: 16 GiB win six nats at most. It
 * needs a network in which volumes of each size were seen to end. Evasion: less than 16 kB a day and
 * destination; many destinations, each of which is new and rare; a destination that gets as much from
 * others. A slow leak wins a little each day, and lanes do not forget. What outside clients fetch from
 * a server here is not judged.
 */
export interface ExfiltrationOptions {
  /** P(the next step is climbed | data is stolen), 0 to 1. */
  readonly climb1: number;
  /** Own ladders that count as much as all the network's. */
  readonly ownWeight: number;
  /** Ladders of one device that teach the network, at each step: nobody shall set the norm alone. */
  readonly lessonsMost: number;
  /** A destination is new to the device for this long, us. */
  readonly newUs: number;
  /** Destinations, and flows that go on, remembered per entity. */
  readonly destinationsMost: number;
  readonly flowsMost: number;
}

export const EXFILTRATION_DEFAULTS: ExfiltrationOptions = {
  climb1: 0.7,
  ownWeight: 2,
  lessonsMost: 8,
  newUs: 86_400e6,
  destinationsMost: 32,
  flowsMost: 64,
};

const LANE = LANE_INDEX.exfiltration;

/** Places in the row of a destination: since when it is known, then those of each ladder. */
const FIRST_US = 0;
const LADDERS_AT = 1;
const CELL = 0;
const STEP = 1;
const BEGUN_US = 2;
const BYTES = 3;
const CLIMB0 = 4;
const LADDER_PLACES = 5;

/** What was sent to one destination within one span. Looks at the row of one after another. */
class Ladder {
  readonly #at: number;
  #row: number[] = [];

  constructor(span: number) {
    this.#at = LADDERS_AT + span * LADDER_PLACES;
  }

  of(row: number[]): this {
    this.#row = row;
    return this;
  }

  /** Kind of the destination (models/volume_ladder.ts) when it was begun. */
  get cell(): number {
    return this.#row[this.#at + CELL]!;
  }

  set cell(cell: number) {
    this.#row[this.#at + CELL] = cell;
  }

  /** The step that was reached; -1 below the first. */
  get step(): number {
    return this.#row[this.#at + STEP]!;
  }

  set step(step: number) {
    this.#row[this.#at + STEP] = step;
  }

  get begunUs(): number {
    return this.#row[this.#at + BEGUN_US]!;
  }

  set begunUs(begunUs: number) {
    this.#row[this.#at + BEGUN_US] = begunUs;
  }

  get bytes(): number {
    return this.#row[this.#at + BYTES]!;
  }

  set bytes(bytes: number) {
    this.#row[this.#at + BYTES] = bytes;
  }

  /** P(next step) when the bet on it was opened; 0 when none is open. */
  get climb0(): number {
    return this.#row[this.#at + CLIMB0]!;
  }

  set climb0(climb0: number) {
    this.#row[this.#at + CLIMB0] = climb0;
  }

  clear(): void {
    this.cell = 0;
    this.step = -1;
    this.begunUs = 0;
    this.bytes = 0;
    this.climb0 = 0;
  }

  save(out: StateWriter): void {
    out.u8(this.cell);
    out.u8(this.step + 1);
    out.f64s([this.begunUs, this.bytes, this.climb0]);
  }

  /** A bet is closed where the wealth that it was paid from is not taken over. */
  restore(from: StateReader): void {
    this.cell = from.u8() % LADDER_CELLS;
    this.step = Math.min(from.u8(), LADDER_STEPS + 1) - 1;
    this.begunUs = from.time();
    this.bytes = from.f64();
    const climb0 = from.f64();
    this.climb0 = from.shiftUs === 0 ? climb0 : 0;
  }
}

/** One for each span; devices have many destinations, and an object for each took twice as much. */
const LADDERS: readonly Ladder[] = LADDER_SPANS_US.map((_, span) => new Ladder(span));

/** What was sent to one destination. */
class Destination {
  readonly #row = [0, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0];

  get firstUs(): number {
    return this.#row[FIRST_US]!;
  }

  set firstUs(firstUs: number) {
    this.#row[FIRST_US] = firstUs;
  }

  /** What was sent within one span; valid until that of another destination is asked for. */
  ladder(span: number): Ladder {
    return LADDERS[span]!.of(this.#row);
  }

  clear(): void {
    this.firstUs = 0;
    for (let span = 0; span < LADDER_SPANS; span++) this.ladder(span).clear();
  }

  save(out: StateWriter): void {
    out.f64(this.firstUs);
    for (let span = 0; span < LADDER_SPANS; span++) this.ladder(span).save(out);
  }

  restore(from: StateReader): void {
    this.firstUs = from.time();
    for (let span = 0; span < LADDER_SPANS; span++) this.ladder(span).restore(from);
  }
}

const makeDestination = (): Destination => new Destination();
const clearDestination = (destination: Destination): void => destination.clear();

const OWN_COUNT_MOST = 65_535;

class ExfiltrationState implements EntityState {
  readonly destinations: RecencyMap<Destination>;
  readonly flows: FlowDeltas;
  /** Own ladders: climbed and ended by step, both spans together. */
  readonly climbed = new Array<number>(LADDER_STEPS).fill(0);
  readonly ended = new Array<number>(LADDER_STEPS).fill(0);
  /** The share of the stake that is on ladders of an hour; the rest is on those of a day. */
  hourShare = 0.5;
  sweptUs = 0;
  /** No ladder is over before. */
  dueUs = 0;
  /** What was said last. */
  headline = '';

  constructor(options: ExfiltrationOptions) {
    const { destinationsMost } = options;
    this.destinations = new RecencyMap(destinationsMost, makeDestination, clearDestination);
    this.flows = new FlowDeltas(options.flowsMost);
  }

  recycle(): boolean {
    return false;
  }

  save(out: StateWriter): void {
    this.destinations.save(out, (destination) => destination.save(out));
    this.flows.save(out);
    for (let step = 0; step < LADDER_STEPS; step++) {
      out.u32(this.climbed[step]!);
      out.u32(this.ended[step]!);
    }
    out.f64s([this.hourShare, this.sweptUs]);
    out.text(this.headline);
  }

  restore(from: StateReader): void {
    this.destinations.restore(from, (destination) => destination.restore(from));
    this.flows.restore(from);
    for (let step = 0; step < LADDER_STEPS; step++) {
      this.climbed[step] = Math.min(OWN_COUNT_MOST, from.u32());
      this.ended[step] = Math.min(OWN_COUNT_MOST, from.u32());
    }
    this.hourShare = from.f64();
    this.sweptUs = from.time();
    this.headline = from.text();
  }
}

/** Ladders of an entity are looked through for those that are over once in this time. */
const SWEEP_US = 60e6;
/** Of the shares of the two spans, what is dealt anew at each bet. */
const SHARE_MOVED = 0.05;
class ExfiltrationDetector implements Detector {
  readonly name = 'exfiltration';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['exfiltration'];
  readonly #slot: number;
  readonly #options: ExfiltrationOptions;
  /** What the current record is worth by the ladders of each span, nats. */
  readonly #lnSpans = new Float64Array(LADDER_SPANS);

  constructor(slot: number, options: ExfiltrationOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    if (!(row.event & (FlowEvents.UPDATE | FlowEvents.END))) return;
    if (!(row.roles & FlowRoles.ORIGINATOR_INTERNAL)) return;
    if (row.roles & FlowRoles.RESPONDER_INTERNAL) return;
    if (row.flags & (FlowFlags.MULTICAST | FlowFlags.ORIGINATOR_GUESSED)) return;
    if (row.origPayload === 0 || !entity.isProven) return;
    if (!entity.isRegular && stepOf(row.origPayload) < 0) return;
    const state = this.#stateOf(entity);
    const sent = state.flows.take(row).origPayload;
    if (context.timeUs - state.sweptUs > SWEEP_US) this.#sweep(state, entity, context);
    const destination = state.destinations.claim(destinationKey(row));
    if (destination.firstUs === 0) destination.firstUs = row.tsFirstUs;
    this.#lnSpans.fill(0);
    for (let span = 0; span < LADDER_SPANS; span++) {
      this.#climb(destination, span, sent, { state, row, entity, context });
    }
    if (this.#lnSpans[0] === 0 && this.#lnSpans[1] === 0) return;
    const lnE = this.#shared(state);
    if (context.bet(entity, LANE, lnE))
      this.#explain(destination, lnE, { state, row, entity, context });
  }

  describe(entity: Entity): string {
    return (entity.slots[this.#slot] as ExfiltrationState).headline;
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as ExfiltrationState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    this.#stateOf(entity).restore(from);
  }

  #stateOf(entity: Entity): ExfiltrationState {
    return (entity.slots[this.#slot] ??= new ExfiltrationState(this.#options)) as ExfiltrationState;
  }

  /** The mean of both spans by their shares, which follow what was won; some moves back each time. */
  #shared(state: ExfiltrationState): number {
    const [lnHour, lnDay] = this.#lnSpans;
    const hour = Math.log(state.hourShare) + lnHour!;
    const mean = logAddExp(hour, Math.log(1 - state.hourShare) + lnDay!);
    const share = Math.exp(hour - mean);
    state.hourShare = (1 - SHARE_MOVED) * share + SHARE_MOVED / 2;
    return mean;
  }

  /** Adds to one ladder of a destination; wins each step that is climbed and opens the next bet. */
  #climb(destination: Destination, span: number, sent: number, at: Judged): void {
    const { context } = at;
    const ladder = destination.ladder(span);
    if (ladder.bytes === 0) {
      ladder.begunUs = context.timeUs;
      at.state.dueUs = Math.min(at.state.dueUs, context.timeUs + LADDER_SPANS_US[span]!);
      ladder.cell = this.#cellOf(destination, at);
    }
    ladder.bytes += sent;
    const reached = stepOf(ladder.bytes);
    while (ladder.step < reached) {
      if (ladder.climb0 > 0) this.#lnSpans[span]! += this.#lnWin(ladder.climb0);
      const step = ++ladder.step;
      if (step > 0) this.#teach(ladder, span, { step: step - 1, isClimbed: true }, at);
      ladder.climb0 = 0;
      if (step < LADDER_STEPS) this.#openBet(ladder, span, at);
    }
  }

  #openBet(ladder: Ladder, span: number, { state, context }: Judged): void {
    const { step } = ladder;
    const { ownWeight, climb1 } = this.#options;
    const own = state.climbed[step]! + state.ended[step]!;
    const group = context.population.ladders.climb(span, ladder.cell, step);
    const prior = { a: ownWeight * group, b: ownWeight * (1 - group) };
    const climb0 = betaPredictive(prior, state.climbed[step]!, own);
    // What is likely anyway says nothing when it happens.
    if (climb0 >= climb1) return;
    ladder.climb0 = climb0;
    this.#lnSpans[span]! += Math.log((1 - climb1) / (1 - climb0));
  }

  /** What turns a bet that was booked as lost into a win. */
  #lnWin(climb0: number): number {
    const { climb1 } = this.#options;
    return Math.log(climb1 / climb0) - Math.log((1 - climb1) / (1 - climb0));
  }

  /** Ends the ladders whose span is over. */
  #sweep(state: ExfiltrationState, entity: Entity, context: DetectorContext): void {
    state.sweptUs = context.timeUs;
    if (context.timeUs < state.dueUs) return;
    state.dueUs = Infinity;
    for (const destination of state.destinations.values()) {
      for (let span = 0; span < LADDER_SPANS; span++) {
        const ladder = destination.ladder(span);
        const { step } = ladder;
        if (ladder.bytes === 0) continue;
        const overUs = ladder.begunUs + LADDER_SPANS_US[span]!;
        if (context.timeUs < overUs) {
          state.dueUs = Math.min(state.dueUs, overUs);
          continue;
        }
        if (step >= 0 && step < LADDER_STEPS) {
          this.#teach(ladder, span, { step, isClimbed: false }, { state, entity, context });
        }
        ladder.clear();
      }
    }
  }

  #teach(
    ladder: Ladder,
    span: number,
    outcome: { readonly step: number; readonly isClimbed: boolean },
    { state, entity, context }: Pick<Judged, 'state' | 'entity' | 'context'>,
  ): void {
    if (!context.isClean(entity)) return;
    const own = outcome.isClimbed ? state.climbed : state.ended;
    const lessons = state.climbed[outcome.step]! + state.ended[outcome.step]!;
    own[outcome.step] = Math.min(OWN_COUNT_MOST, own[outcome.step]! + 1);
    if (lessons >= this.#options.lessonsMost) return;
    const at = countAt(span, ladder.cell, outcome.step);
    context.population.contributeLadder(at + (outcome.isClimbed ? 0 : 1));
  }

  #cellOf(destination: Destination, { row, context }: Judged): number {
    const isKnown = context.timeUs - destination.firstUs > this.#options.newUs;
    const isShared = context.population.edges.devices(edgeKey(row)) > 1;
    return (isKnown ? 1 : 0) + (isShared ? 2 : 0);
  }

  #explain(destination: Destination, lnE: number, { state, row, entity, context }: Judged): void {
    const span = destination.ladder(0).step >= destination.ladder(1).step ? 0 : 1;
    const { step, cell, begunUs, bytes } = destination.ladder(span);
    const address = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
    const reason = sentence(destination, span, address);
    state.headline = reason;
    const { ladders } = context.population;
    context.explain(entity, LANE, {
      other: address,
      t0Us: Math.min(begunUs, row.tsFirstUs),
      lnE,
      p: pOfLnE(lnE),
      reason,
      features: [
        {
          feature: `bytes sent to ${address} within ${lasting(LADDER_SPANS_US[span])}`,
          observed: bytes,
          expectedMedian: bytesAbove(0.5, ladders, { span, cell }),
          expectedP99: bytesAbove(0.01, ladders, { span, cell }),
          scope: 'group',
          lnEShare: lnE,
          nRef: Math.round(ladders.references(span, cell, Math.max(0, step - 1))),
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

interface Judged {
  readonly state: ExfiltrationState;
  readonly row: FlowRowView;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createExfiltrationDetector(
  slot: number,
  options: Partial<ExfiltrationOptions> = {},
): Detector {
  return new ExfiltrationDetector(slot, { ...EXFILTRATION_DEFAULTS, ...options });
}

/** The first step, in bytes, that fewer than a share of all ladders climb. */
function bytesAbove(
  share: number,
  ladders: LadderPool,
  kind: { readonly span: number; readonly cell: number },
): number {
  let climbing = 1;
  for (let step = 0; step < LADDER_STEPS; step++) {
    climbing *= ladders.climb(kind.span, kind.cell, step);
    if (climbing < share) return bytesOf(step + 1);
  }
  return bytesOf(LADDER_STEPS);
}

function sentence(destination: Destination, span: number, address: string): string {
  const { bytes, cell } = destination.ladder(span);
  const kilobytes = grouped(bytes / 1000);
  const novelty = (cell & 1) === 0 ? ', a destination new to it' : '';
  return `sent ${kilobytes} kB to ${address}${novelty} within ${lasting(LADDER_SPANS_US[span]!)}`;
}
