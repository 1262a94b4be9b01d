import { formatAddress } from '../batch/address.js';
import { EventType } from '../batch/generated/event_schema.js';
import { EventRowOffset, type EventRowView, FlowRoles } from '../batch/generated/record_layout.js';
import type { FlowRef } from '../domain/flow.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import { lnCountBet } from '../models/count_bet.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { logAddExp, pOfLnE } from '../models/e_value.js';
import { KeySet, pairKey } from '../models/key_set.js';
import { PartitionQuota } from '../models/partition.js';
import { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { RequestReader } from './request_reader.js';
import { counted, lasting } from './words.js';

/**
 * D18, a repeatable process against a web service: one record after another, or one guess of a page
 * after another. ATT&CK T1213, T1119, T1595.
 *
 * Method: two counts of each client at each service in each tick in which it asks for documents: new
 * keys (numbers) in a form of request that it used before, and new resources that are not there or
 * that nobody answers. Parts of pages (pictures, styles, scripts, packages) are left out, and numbers
 * as long as a time are no keys, so that pages, updates and pollers count for little. Each count is a
 * bet against a very bursty null (count_bet.ts) of the mean that this client showed at this service
 * more than half an hour ago, and never less than what people do; bets of one tick are averaged, which
 * is valid however they depend on each other.
 *
 * Memory: 16 services of 1 to 24 kB an entity that asks in clear. Cold start: 4 new keys and 1 miss in
 * 5 s, by which 100 misses in a tick or 30 keys in each of two minutes are told. Evasion: to ask as
 * slowly as people do; keys that are no numbers. A client whose work it is (an index, a mirror) is
 * known after half an hour.
 */
export interface SurveyOptions {
  /** Least means of new keys and of misses in a tick in which a client is active. */
  readonly keysMean: number;
  readonly missesMean: number;
  readonly learningDelayUs: number;
  readonly servicesMost: number;
  readonly resourcesMost: number;
  readonly formsMost: number;
}

export const SURVEY_DEFAULTS: SurveyOptions = {
  keysMean: 4,
  missesMean: 1,
  learningDelayUs: 1800e6,
  servicesMost: 16,
  resourcesMost: 1024,
  formsMost: 256,
};

const LANE = LANE_INDEX.survey;

/** Entities that are bet on in one tick, at most. */
const ENTITIES_PER_TICK_MOST = 16_384;

/** Mean of a count over active ticks that lie far enough back. */
class LateMean {
  #sum = 0;
  #ticks = 0;
  #pendingSum = 0;
  #pendingTicks = 0;
  #pendingSinceUs = 0;

  get references(): number {
    return this.#ticks;
  }

  atLeast(least: number): number {
    return Math.max(least, this.#ticks === 0 ? 0 : this.#sum / this.#ticks);
  }

  learn(count: number, nowUs: number, delayUs: number): void {
    if (this.#pendingTicks === 0) this.#pendingSinceUs = nowUs;
    else if (nowUs - this.#pendingSinceUs >= delayUs) {
      this.#sum += this.#pendingSum;
      this.#ticks += this.#pendingTicks;
      this.#pendingSum = 0;
      this.#pendingTicks = 0;
      this.#pendingSinceUs = nowUs;
    }
    this.#pendingSum += count;
    this.#pendingTicks++;
  }

  save(out: StateWriter): void {
    out.f64s([this.#sum, this.#ticks]);
    out.f64s([this.#pendingSum, this.#pendingTicks, this.#pendingSinceUs]);
  }

  restore(from: StateReader): void {
    this.#sum = from.natural();
    this.#ticks = from.natural();
    this.#pendingSum = from.natural();
    this.#pendingTicks = from.natural();
    this.#pendingSinceUs = from.time();
  }
}

/** What a client asks of one service. */
class Service {
  readonly resources: KeySet;
  readonly forms: KeySet;
  keysMean = new LateMean();
  missesMean = new LateMean();
  name = '';
  address = '';
  flow: FlowRef | null = null;
  /** In this tick. */
  isActive = false;
  keys = 0;
  misses = 0;
  /** In all. */
  allKeys = 0;
  allMisses = 0;
  firstUs = 0;
  lastUs = 0;

  constructor({ resourcesMost, formsMost }: SurveyOptions) {
    this.resources = new KeySet(resourcesMost);
    this.forms = new KeySet(formsMost);
  }

  clear(): void {
    this.resources.clear();
    this.forms.clear();
    this.keysMean = new LateMean();
    this.missesMean = new LateMean();
    this.name = '';
    this.flow = null;
    this.isActive = false;
    this.keys = 0;
    this.misses = 0;
    this.allKeys = 0;
    this.allMisses = 0;
  }

  /** Of the tick nothing: it has ended. */
  save(out: StateWriter): void {
    this.resources.save(out);
    this.forms.save(out);
    this.keysMean.save(out);
    this.missesMean.save(out);
    out.text(this.name);
    out.text(this.address);
    out.json(this.flow);
    out.f64s([this.allKeys, this.allMisses, this.firstUs, this.lastUs]);
  }

  restore(from: StateReader): void {
    this.resources.restore(from);
    this.forms.restore(from);
    this.keysMean.restore(from);
    this.missesMean.restore(from);
    this.name = from.text();
    this.address = from.text();
    this.flow = from.json() as FlowRef | null;
    this.allKeys = from.natural();
    this.allMisses = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
  }
}

class SurveyState implements EntityState {
  readonly services: RecencyMap<Service>;
  isPending = false;

  constructor(options: SurveyOptions) {
    const make = (): Service => new Service(options);
    this.services = new RecencyMap(options.servicesMost, make, (service) => service.clear());
  }

  recycle(): boolean {
    return false;
  }
}

class SurveyDetector implements Detector {
  readonly name = 'survey';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['survey'];
  readonly eventsOfEnds = [EventType.HTTP];
  readonly #slot: number;
  readonly #options: SurveyOptions;
  readonly #request = new RequestReader();
  #pending: Entity[] = [];
  readonly #quota = new PartitionQuota(ENTITIES_PER_TICK_MOST);

  constructor(slot: number, options: SurveyOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_ORIGINATOR)) return;
    const request = this.#request;
    if (!request.read(context.bytes, context.bodyAt, context.bodyBytes)) return;
    if (!request.isDocument) return;
    const entity = context.sender();
    const state = (entity.slots[this.#slot] ??= new SurveyState(this.#options)) as SurveyState;
    if (!state.isPending && !this.#begin(state, entity)) return;
    const service = state.services.claim(pairKey(event.respKey, event.dstPort));
    if (service.name === '') nameService(service, event);
    service.isActive = true;
    service.lastUs = event.tsUs;
    const isNew = service.resources.add(request.resource);
    const isKnownForm = !service.forms.add(request.form);
    if (!isNew) return;
    if (request.isMiss) service.misses++;
    else if (request.hasKey && isKnownForm) service.keys++;
    else return;
    // One is enough to find it again, and naming a flow costs more than judging its event.
    service.flow ??= context.flowRef();
  }

  onTickEnd(context: DetectorContext): void {
    for (let i = 0; i < this.#pending.length; i++) this.#betOnTick(this.#pending[i]!, context);
    this.#pending = [];
    this.#quota.restart();
  }

  describe(entity: Entity): string {
    const { services } = entity.slots[this.#slot] as SurveyState;
    const total = (service: Service): number => service.allKeys + service.allMisses;
    return sentence([...services.values()].reduce((a, b) => (total(b) > total(a) ? b : a)));
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { services } = entity.slots[this.#slot] as SurveyState;
    services.save(out, (service) => service.save(out));
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const { services } = (entity.slots[this.#slot] = new SurveyState(this.#options));
    services.restore(from, (service) => service.restore(from));
  }

  #begin(state: SurveyState, entity: Entity): boolean {
    if (!this.#quota.take(entity.key)) return false;
    state.isPending = true;
    entity.hold();
    this.#pending.push(entity);
    return true;
  }

  #betOnTick(entity: Entity, context: DetectorContext): void {
    const state = entity.slots[this.#slot] as SurveyState;
    const isClean = context.isClean(entity);
    let lnSum = -Infinity;
    let n = 0;
    let strongest: { readonly service: Service; readonly lnE: number } | null = null;
    for (const service of state.services.values()) {
      if (!service.isActive) continue;
      const lnE = this.#lnE(service);
      lnSum = logAddExp(lnSum, lnE);
      n++;
      if (strongest === null || lnE > strongest.lnE) strongest = { service, lnE };
      this.#endTick(service, isClean, context.timeUs);
    }
    state.isPending = false;
    if (strongest !== null) {
      const lnE = lnSum - Math.log(n);
      const isWon = context.bet(entity, LANE, lnE);
      if (isWon) this.#explain({ service: strongest.service, lnE, entity, context });
    }
    entity.release();
  }

  /** Of both counts: the mean of two e-values is one. */
  #lnE(service: Service): number {
    const { keysMean, missesMean } = this.#options;
    const keys = lnCountBet(service.keys, service.keysMean.atLeast(keysMean));
    const misses = lnCountBet(service.misses, service.missesMean.atLeast(missesMean));
    return logAddExp(keys, misses) - Math.LN2;
  }

  #endTick(service: Service, isClean: boolean, nowUs: number): void {
    const { learningDelayUs } = this.#options;
    if (isClean) {
      service.keysMean.learn(service.keys, nowUs, learningDelayUs);
      service.missesMean.learn(service.misses, nowUs, learningDelayUs);
    }
    service.allKeys += service.keys;
    service.allMisses += service.misses;
    service.isActive = false;
    service.keys = 0;
    service.misses = 0;
  }

  #explain({ service, lnE, entity, context }: Won): void {
    const isSearch = service.allMisses > service.allKeys;
    const { keysMean, missesMean } = this.#options;
    const late = isSearch ? service.missesMean : service.keysMean;
    const mean = late.atLeast(isSearch ? missesMean : keysMean);
    const ticks = Math.max(1, (service.lastUs - service.firstUs) / 5e6);
    context.explain(entity, LANE, {
      other: service.address,
      t0Us: service.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(service),
      features: [
        {
          feature: isSearch
            ? `different resources of ${service.name} that are not there`
            : `different records of ${service.name}`,
          observed: isSearch ? service.allMisses : service.allKeys,
          expectedMedian: Math.round(mean * ticks),
          expectedP99: Math.round(
            mean * ticks + 2.33 * Math.sqrt(ticks * (mean + 2 * mean * mean)),
          ),
          scope: late.references > 0 ? 'self' : 'default',
          lnEShare: lnE,
          nRef: late.references,
        },
      ],
      flows: service.flow === null ? [] : [service.flow],
    });
  }
}

interface Won {
  readonly service: Service;
  readonly lnE: number;
  readonly entity: Entity;
  readonly context: DetectorContext;
}

function nameService(service: Service, event: EventRowView): void {
  service.address = formatAddress(event.u8, event.at + EventRowOffset.dstAddr);
  service.name = `${service.address} port ${event.dstPort}`;
  service.firstUs = event.tsUs;
}

export function createSurveyDetector(slot: number, options: Partial<SurveyOptions> = {}): Detector {
  return new SurveyDetector(slot, { ...SURVEY_DEFAULTS, ...options });
}

function sentence(service: Service): string {
  const { allKeys, allMisses, name } = service;
  const span = lasting(service.lastUs - service.firstUs);
  return allMisses > allKeys
    ? `tried ${counted(allMisses, 'resource')} of ${name} in ${span} that are not there`
    : `asked ${name} for ${counted(allKeys, 'record')}, one after another, in ${span}`;
}
