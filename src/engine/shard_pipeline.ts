import { Item, type BatchView } from '../batch/batch_view.js';
import { FlowEvents, FlowRoles, type FlowRowView } from '../batch/generated/record_layout.js';
import { AddressSet } from '../domain/address_set.js';
import type { EvidenceSink } from '../domain/evidence_sink.js';
import type { FlowRef } from '../domain/flow.js';
import { LANES, type LaneId } from '../domain/lanes.js';
import type { LearnedState } from '../domain/learned_state.js';
import type { Order } from '../domain/order.js';
import { tickOf } from '../domain/tick.js';
import { NO_EXCHANGE, type TickDelta, type TickExchange } from '../domain/tick_exchange.js';
import { createDetectors } from '../detectors/index.js';
import type { Detector, DetectorContext, EvidenceDraft } from '../detectors/detector.js';
import { alarmThreshold } from '../fusion/budget.js';
import { endOf, Fusion, type TickWealth } from '../fusion/fusion.js';
import {
  ENTITY_TABLE_DEFAULTS,
  EntityTable,
  type Entity,
  type EntitySpec,
} from '../models/entity_table.js';
import { Population } from '../models/population.js';
import { byEventType, callsOf, type Calls } from './detector_calls.js';
import { refOfEvent, refOfFlow } from './flow_ref.js';
import { ShardMemory, WEALTH_SLOT } from './shard_memory.js';
import type { ShardState } from './shard_state.js';
import { endOfEvent, endOfFlow, provesBothSides } from './sighting.js';

export interface ShardPipelineOptions {
  /** Number of this shard, from 0, and how many there are. */
  readonly shard: number;
  readonly shards: number;
  /** Budget of false incidents per day per 1,000 devices; default 1, range above 0. */
  readonly falseIncidentsPerDayPer1000?: number;
  /** Hosts that may search the network, as address prefixes; default: none. */
  readonly scanners?: readonly string[];
  /** How it meets the other shards; default: there are none. */
  readonly exchange?: TickExchange;
  /** Entities kept, at most, by all shards together; see models/entity_table.ts. */
  readonly provenMost?: number;
  readonly probationMost?: number;
  /** `finalState` will be asked for; default false. */
  readonly keepsState?: boolean;
  /**
   * Called at the end of each tick with records, before alarms are closed, with all entities that
   * were seen in it. Costs nothing when it is absent.
   */
  readonly onTick?: (tick: number, entities: readonly TickWealth[]) => void;
}

/** Figures for metrics. Those of tables are 0 as long as nothing was forgotten. */
export interface ShardPipelineStats {
  readonly records: number;
  /** Hosts that gave two-way proof. */
  readonly entities: number;
  readonly provenEvictions: number;
  readonly probationEvictions: number;
  readonly edgeRefusals: number;
  readonly droppedSights: number;
  readonly droppedScores: number;
}

/** Comes after every record, and after every tick's end. */
const RUN_END: Order = { timeUs: Infinity, index: -1, sub: 0 };
const BEFORE_ALL: Order = { timeUs: -Infinity, index: -Infinity, sub: 0 };

/**
 * The judgement of one shard: records in, alarms out. Pure and synchronous: no clock, no I/O, no
 * randomness; the same records give the same alarms, however they were cut into batches.
 *
 *     pipeline.process(view)   for every batch, in order
 *     pipeline.finish()        when there are no more
 *
 * Ticks are crossed when a record or a watermark says that time went on: the old tick ends (detectors
 * bet on what they gathered, alarms grow or close, contributions are announced), and before the
 * first record of the new one those of the other shards are collected. Records are judged only
 * between; a stretch without records is one step.
 */
export class ShardPipeline implements DetectorContext {
  timeUs = 0;
  tick = -Infinity;
  bytes: Uint8Array = new Uint8Array(0);
  bodyAt = 0;
  bodyBytes = 0;
  readonly #options: ShardPipelineOptions;
  readonly #sink: EvidenceSink;
  readonly #exchange: TickExchange;
  /** Null when there are none. */
  readonly #scanners: AddressSet | null;
  readonly #order = { timeUs: 0, index: 0, sub: 0 };
  #view: BatchView | null = null;
  #isEvent = false;
  #records = 0;
  #oldestUs = NaN;
  #watermark: Order = BEFORE_ALL;
  /** The moment at which things are said: that of the record, of the tick's end, of the run's. */
  #moment: Order = this.#order;
  #tickHasRecords = false;
  #population!: Population;
  #entities!: EntityTable;
  #detectors!: readonly Detector[];
  #ofFlows!: Calls<'onFlow'>;
  #ofFlowsTo!: Calls<'onFlowTo'>;
  #ofEvents!: ReadonlyMap<number, Calls<'onEvent'>>;
  #ofLane!: ReadonlyMap<LaneId, Detector>;
  #fusion!: Fusion;
  #memory!: ShardMemory;
  #onTickEnd: (() => void) | null = null;
  /** What was known before the run came to its end. */
  #lastState: ShardState | null = null;

  constructor(options: ShardPipelineOptions, sink: EvidenceSink) {
    this.#options = options;
    this.#sink = sink;
    this.#exchange = options.exchange ?? NO_EXCHANGE;
    const { scanners = [] } = options;
    this.#scanners = scanners.length > 0 ? new AddressSet(scanners) : null;
    this.reset();
  }

  /** Forgets everything: the state of a fresh pipeline. */
  reset(): void {
    const options = this.#options;
    this.timeUs = 0;
    this.tick = -Infinity;
    this.#records = 0;
    this.#watermark = BEFORE_ALL;
    this.#tickHasRecords = false;
    this.#lastState = null;
    this.#population = new Population();
    this.#detectors = createDetectors(WEALTH_SLOT + 1);
    this.#ofFlows = callsOf(this.#detectors, 'onFlow');
    this.#ofFlowsTo = callsOf(this.#detectors, 'onFlowTo');
    this.#ofEvents = byEventType(this.#detectors);
    this.#ofLane = new Map(
      this.#detectors.flatMap((d) => d.lanes.map((lane) => [lane, d] as const)),
    );
    this.#entities = new EntityTable({
      nSlots: 1 + this.#detectors.length,
      provenMost: options.provenMost ?? ENTITY_TABLE_DEFAULTS.provenMost,
      probationMost: options.probationMost ?? ENTITY_TABLE_DEFAULTS.probationMost,
    });
    this.#fusion = new Fusion({
      threshold: alarmThreshold(options.falseIncidentsPerDayPer1000 ?? 1),
      slot: WEALTH_SLOT,
      sink: this.#sink,
      describe: (entity, lane) => this.#ofLane.get(lane)!.describe(entity, lane),
    });
    this.#memory = new ShardMemory({
      detectors: this.#detectors,
      ofLane: this.#ofLane,
      entities: this.#entities,
      population: this.#population,
      fusion: this.#fusion,
    });
  }

  /** Changes the one threshold for what is judged from now on. */
  setBudget(falseIncidentsPerDayPer1000: number): void {
    this.#fusion.setThreshold(alarmThreshold(falseIncidentsPerDayPer1000));
  }

  get stats(): ShardPipelineStats {
    return {
      records: this.#records,
      entities: this.#entities.provenHosts,
      provenEvictions: this.#entities.provenEvictions,
      probationEvictions: this.#entities.probationEvictions,
      edgeRefusals: this.#population.edges.refusals,
      droppedSights: this.#population.droppedSights,
      droppedScores: this.#population.droppedScores,
    };
  }

  /** No later alarm comes before it. */
  get watermark(): Order {
    return this.#watermark;
  }

  /** Time of the first record of the last batch; NaN when it held none. */
  get oldestUs(): number {
    return this.#oldestUs;
  }

  get population(): Population {
    return this.#population;
  }

  /**
   * Judges a batch that was just opened. Its records must not come before those of earlier batches.
   * All alarms before its watermark have been sent when it returns.
   * @throws ThymusError INTERNAL when the batch is damaged
   */
  process(view: BatchView): void {
    this.#oldestUs = NaN;
    for (let kind = view.next(); kind !== Item.NONE; kind = view.next()) {
      if (Number.isNaN(this.#oldestUs)) {
        this.#oldestUs = (kind === Item.FLOW ? view.row : view.event).timeUs;
      }
      if (kind === Item.FLOW) this.judgeFlow(view);
      else this.judgeEvent(view);
    }
    const { watermarkUs, watermarkIndex } = view.header;
    this.passTime(watermarkUs);
    this.#watermark = { timeUs: watermarkUs, index: watermarkIndex, sub: 0 };
  }

  /** Judges the flow that the view stands on; for callers that merge several views. */
  judgeFlow(view: BatchView): void {
    const { row } = view;
    this.#isEvent = false;
    this.#arrive(view, row.timeUs);
    this.#order.index = row.orderIndex;
    this.#order.sub = row.orderSub;
    const { roles } = row;
    if (roles & FlowRoles.JUDGE_RESPONDER) {
      const entity = this.#see(row, false);
      const { detectors, calls } = this.#ofFlowsTo;
      for (let i = 0; i < calls.length; i++) calls[i]!.call(detectors[i]!, row, entity, this);
    }
    if (roles & FlowRoles.JUDGE_ORIGINATOR) {
      const entity = this.#see(row, true);
      const { detectors, calls } = this.#ofFlows;
      for (let i = 0; i < calls.length; i++) calls[i]!.call(detectors[i]!, row, entity, this);
    }
    this.#fusion.settle(this.#order);
  }

  /** Judges the event that the view stands on. */
  judgeEvent(view: BatchView): void {
    const { event } = view;
    this.#isEvent = true;
    this.#arrive(view, event.timeUs);
    this.#order.index = event.orderIndex;
    this.#order.sub = event.orderSub;
    this.bytes = view.bytes;
    this.bodyAt = view.bodyAt;
    this.bodyBytes = event.bodyBytes;
    const wanted = this.#ofEvents.get(event.type);
    if (wanted === undefined) return;
    const { detectors, calls } = wanted;
    for (let i = 0; i < calls.length; i++) calls[i]!.call(detectors[i]!, event, this);
    this.#fusion.settle(this.#order);
  }

  /** No record to come is earlier than this: ends the ticks that are over. Never waits. */
  passTime(watermarkUs: number): void {
    if (!(watermarkUs >= 0)) return;
    if (watermarkUs === Infinity) this.#comeToEnd();
    const next = tickOf(watermarkUs);
    if (next > this.tick) this.#endTick(next);
  }

  /** There are no more records: says all that is left to say. */
  finish(): void {
    this.#comeToEnd();
    if (this.#tickHasRecords) this.#endTick(this.tick + 1);
    this.#moment = RUN_END;
    for (const detector of this.#detectors) detector.onRunEnd?.(this);
    this.#fusion.endTick(this.tick, Infinity);
    this.#fusion.settle(RUN_END);
    this.#exchange.announce(Infinity, []);
  }

  /** Calls back once, between the tick that is under way and the next. */
  atTickEnd(callback: () => void): void {
    this.#onTickEnd = callback;
  }

  /** What was learned, as it stands between two ticks: the one that is under way ends first. */
  save(): ShardState {
    if (this.#tickHasRecords) this.#endTick(this.tick + 1);
    return this.#memory.save(this.timeUs);
  }

  /**
   * After `finish`, with `keepsState`: what was known before the end of the run closed what was
   * open, and what the population has learned of all shards. Waits for those to finish.
   */
  finalState(): ShardState {
    this.#population.receive(this.#exchange.collect(Infinity));
    this.#population.reach(Infinity);
    return this.#memory.withPopulation(this.#lastState!);
  }

  /**
   * Goes on where a model ends. Its wealth and alarms are taken over when the run is later than it.
   * REQUIRES: nothing was judged yet.
   * @throws ThymusError MODEL_INVALID; the pipeline is of no use then
   */
  restore(state: LearnedState, shiftUs: number): void {
    this.#memory.restore(state, shiftUs, (key) => this.owns(key));
  }

  // What detectors may do (detectors/detector.ts).

  bet(entity: Entity, lane: number, lnE: number): boolean {
    return this.#fusion.bet(entity, lane, lnE);
  }

  explain(entity: Entity, lane: number, draft: EvidenceDraft): void {
    const { id, attack, stage } = LANES[lane]!;
    const { lnE, p, other, t0Us, reason, features, flows, domain } = draft;
    const t1Us = draft.t1Us ?? this.#moment.timeUs;
    const isRunEnd = this.#moment === RUN_END;
    const order = isRunEnd ? { timeUs: t1Us, index: -1, sub: 0 } : { ...this.#moment };
    this.#fusion.keep(entity, {
      lane: id,
      entity: entity.ref,
      other,
      t0Us,
      t1Us,
      order,
      p,
      lnE,
      attack,
      stage,
      reason,
      features,
      flows,
      ...(domain === undefined ? {} : { domain }),
    });
  }

  isClean(entity: Entity): boolean {
    return this.#fusion.isClean(entity);
  }

  mayScan(entity: Entity): boolean {
    return this.#scanners?.has(entity.ref.address) === true;
  }

  owns(key: number): boolean {
    const { shard, shards } = this.#options;
    return shards === 1 || key % shards === shard;
  }

  find(key: number): Entity | undefined {
    return this.#entities.find(key);
  }

  entity(spec: EntitySpec): Entity {
    const known = this.#entities.find(spec.key);
    if (known === undefined) return this.#meet(spec);
    this.#entities.touch(known, this.tick);
    return known;
  }

  sender(): Entity {
    const { event } = this.#view!;
    const known = this.#entities.find(event.origKey);
    if (known === undefined) return this.#meet(endOfEvent(event, true));
    this.#entities.touch(known, this.tick);
    return known;
  }

  receiver(): Entity {
    const { event } = this.#view!;
    const known = this.#entities.find(event.respKey);
    if (known === undefined) return this.#meet(endOfEvent(event, false));
    this.#entities.touch(known, this.tick);
    return known;
  }

  flowRef(): FlowRef {
    return this.#isEvent ? refOfEvent(this.#view!.event) : refOfFlow(this.#view!);
  }

  /** Whether a last batch says so, or `finish`. */
  #comeToEnd(): void {
    if (this.#options.keepsState === true) this.#lastState ??= this.save();
  }

  #arrive(view: BatchView, timeUs: number): void {
    this.#view = view;
    this.#records++;
    if (timeUs > this.timeUs) this.timeUs = timeUs;
    this.#order.timeUs = this.timeUs;
    const tick = tickOf(this.timeUs);
    if (tick > this.tick) this.#endTick(tick);
    if (!this.#tickHasRecords) this.#beginTick();
  }

  #beginTick(): void {
    this.#tickHasRecords = true;
    this.#population.receive(this.#exchange.collect(this.tick));
    this.#population.reach(this.tick);
  }

  #endTick(next: number): void {
    const deltas: TickDelta[] = [];
    if (this.#tickHasRecords) {
      this.#moment = endOf(this.tick);
      // A record of the next tick may have come, or only word that there is none before it.
      const reachedUs = this.timeUs;
      this.timeUs = this.#moment.timeUs;
      for (const detector of this.#detectors) detector.onTickEnd?.(this);
      this.#fusion.settle(this.#moment);
      this.#moment = this.#order;
      this.timeUs = reachedUs;
      const delta = this.#population.seal(this.tick);
      if (delta !== null) deltas.push(delta);
      this.#observe();
    }
    this.#fusion.endTick(this.tick, next);
    this.#exchange.announce(next, deltas);
    this.tick = next;
    this.#tickHasRecords = false;
    const callback = this.#onTickEnd;
    this.#onTickEnd = null;
    callback?.();
  }

  #observe(): void {
    const { onTick } = this.#options;
    if (onTick === undefined) return;
    const entities = this.#entities.seenIn(this.tick);
    onTick(
      this.tick,
      entities.map((entity) => this.#fusion.wealthOf(entity)),
    );
  }

  /** The entity of one side of a flow, proven as far as the flow proves it. */
  #see(row: FlowRowView, isOriginator: boolean): Entity {
    const known = this.#entities.find(isOriginator ? row.origKey : row.respKey);
    if (known === undefined) return this.#meet(endOfFlow(row, isOriginator));
    if (!known.isProven && provesBothSides(row)) this.#entities.prove(known);
    if (
      known.onlyFlow >= 0 &&
      (row.flowIdLow !== known.onlyFlow || row.event & FlowEvents.UPDATE)
    ) {
      known.onlyFlow = -1;
    }
    this.#entities.touch(known, this.tick);
    return known;
  }

  #meet(spec: EntitySpec): Entity {
    const entity = this.#entities.create(spec);
    this.#entities.touch(entity, this.tick);
    return entity;
  }
}
