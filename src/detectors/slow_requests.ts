import { formatAddress } from '../batch/address.js';
import { EventField, EventType } from '../batch/generated/event_schema.js';
import { ANOMALY_NAMES } from '../batch/generated/names.js';
import { EventRowOffset, type EventRowView, FlowRoles } from '../batch/generated/record_layout.js';
import { TlvReader } from '../batch/tlv.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { pairKey } from '../models/key_set.js';
import { OutcomeHistory, Walk, type OutcomeModel } from '../models/outcomes.js';
import { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { counted, lasting } from './words.js';

/**
 * D9, slow requests: a client that holds a web server's connections by requests that it never
 * finishes. ATT&CK T1499.002.
 *
 * Method: each request of a client to a server is an outcome: it was answered, or its head came in
 * several pieces without a hole and the end never came, as the parser says when the connection is
 * over. Dirichlet prior by which one in fifty is unfinished while nothing is wrong (a client that is
 * switched off), and what this client did here more than half an hour ago; nine in ten under attack.
 * A request that is whole and is not answered says nothing: that is a failing server.
 *
 * Memory: 16 services of 0.3 kB a client that left a request unfinished. Cold start: the prior, by
 * which seven in a row are an attack. Evasion: bodies that come slowly, heads in one piece, few
 * connections, many sources; connections that are still open are not yet known to be unfinished.
 */
export interface SlowRequestsOptions {
  readonly model: OutcomeModel;
  /** Services remembered per entity. */
  readonly servicesMost: number;
}

export const SLOW_REQUESTS_DEFAULTS: SlowRequestsOptions = {
  model: {
    normal: [0.98, 0.02],
    normalWeight: 20,
    attack: [0.1, 0.9],
    learningDelayUs: 1800e6,
  },
  servicesMost: 16,
};

const LANE = LANE_INDEX.slow_requests;
const FINISHED = 0;
const UNFINISHED = 1;
const UNFINISHED_CODE = ANOMALY_NAMES.indexOf('applayer.http.request_unfinished');
const { CODE } = EventField.ANOMALY;
const { STATUS } = EventField.HTTP;

/** The requests of one client to one service. */
class Service {
  readonly history = new OutcomeHistory(2);
  readonly walk = new Walk();
  server = '';
  requests = 0;
  unfinished = 0;
  firstUs = 0;
  lastUs = 0;

  clear(): void {
    this.history.clear();
    this.walk.clear();
    this.server = '';
    this.requests = 0;
    this.unfinished = 0;
  }

  save(out: StateWriter): void {
    this.history.save(out);
    this.walk.save(out);
    out.text(this.server);
    out.f64s([this.requests, this.unfinished, this.firstUs, this.lastUs]);
  }

  restore(from: StateReader): void {
    this.history.restore(from);
    this.walk.restore(from);
    this.server = from.text();
    this.requests = from.natural();
    this.unfinished = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
  }
}

class SlowRequestsState implements EntityState {
  readonly services: RecencyMap<Service>;

  constructor(servicesMost: number) {
    const clear = (service: Service): void => service.clear();
    this.services = new RecencyMap(servicesMost, () => new Service(), clear);
  }

  recycle(): boolean {
    return false;
  }
}

class SlowRequestsDetector implements Detector {
  readonly name = 'slow_requests';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['slow_requests'];
  readonly eventsOfEnds = [EventType.ANOMALY, EventType.HTTP];
  readonly #slot: number;
  readonly #options: SlowRequestsOptions;
  readonly #fields = new TlvReader();

  constructor(slot: number, options: SlowRequestsOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  /** Both are said of the client. */
  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_ORIGINATOR)) return;
    const isWhole = event.type === EventType.HTTP;
    // What was begun is an event, too, at the end and without an answer.
    if (
      isWhole ? this.#number(STATUS, context) <= 0 : this.#number(CODE, context) !== UNFINISHED_CODE
    )
      return;
    const key = pairKey(event.respKey, event.dstPort);
    if (isWhole && this.#known(key, event, context) === undefined) return;
    const entity = context.sender();
    const service = this.#stateOf(entity).services.claim(key);
    if (service.requests === 0) service.firstUs = event.tsUs;
    service.requests++;
    service.lastUs = event.tsUs;
    if (!isWhole) service.unfinished++;
    if (service.server === '') {
      service.server = formatAddress(event.u8, event.at + EventRowOffset.dstAddr);
    }
    this.#bet(service, isWhole ? FINISHED : UNFINISHED, { entity, context });
  }

  describe(entity: Entity): string {
    const { services } = entity.slots[this.#slot] as SlowRequestsState;
    const all = [...services.values()];
    return sentence(all.reduce((a, b) => (b.unfinished > a.unfinished ? b : a)));
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { services } = entity.slots[this.#slot] as SlowRequestsState;
    services.save(out, (service) => service.save(out));
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const { services } = this.#stateOf(entity);
    services.restore(from, (service) => service.restore(from));
  }

  /** Of a field; -1 when it is not there. */
  #number(field: number, { bytes, bodyAt, bodyBytes }: DetectorContext): number {
    const fields = this.#fields.open(bytes, bodyAt, bodyBytes);
    while (fields.next()) if (fields.number === field) return fields.unsigned();
    return -1;
  }

  /** A client that finished all its requests is not worth remembering. */
  #known(key: number, event: EventRowView, context: DetectorContext): Service | undefined {
    const state = context.find(event.origKey)?.slots[this.#slot] as SlowRequestsState | null;
    return state?.services.peek(key);
  }

  #stateOf(entity: Entity): SlowRequestsState {
    const { servicesMost } = this.#options;
    return (entity.slots[this.#slot] ??= new SlowRequestsState(servicesMost)) as SlowRequestsState;
  }

  #bet(service: Service, outcome: number, { entity, context }: Judged): void {
    const { model } = this.#options;
    const lnE = service.history.lnE(outcome, model);
    const isBet = service.walk.isBetOn;
    service.walk.advance(lnE);
    if (context.isClean(entity)) service.history.note(outcome, context.timeUs, model);
    if (!isBet || !context.bet(entity, LANE, lnE)) return;
    const expected = service.requests * service.history.probability(UNFINISHED, model);
    const nRef = service.history.references;
    context.explain(entity, LANE, {
      other: service.server,
      t0Us: service.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(service),
      features: [
        {
          feature: 'requests whose head was never finished',
          observed: service.unfinished,
          expectedMedian: Math.round(expected),
          expectedP99: Math.ceil(expected + 2.33 * Math.sqrt(expected)),
          scope: nRef > 0 ? 'self' : 'default',
          lnEShare: lnE,
          nRef,
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

interface Judged {
  readonly entity: Entity;
  readonly context: DetectorContext;
}

export function createSlowRequestsDetector(
  slot: number,
  options: Partial<SlowRequestsOptions> = {},
): Detector {
  return new SlowRequestsDetector(slot, { ...SLOW_REQUESTS_DEFAULTS, ...options });
}

function sentence({ server, requests, unfinished, firstUs, lastUs }: Service): string {
  const span = lasting(lastUs - firstUs);
  return `began ${counted(requests, 'request')} to ${server} in ${span} and never finished ${unfinished} of them`;
}
