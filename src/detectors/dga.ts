import { EventType } from '../batch/generated/event_schema.js';
import { type EventRowView, FlowRoles } from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet } from '../models/key_set.js';
import { labelModel, lnDrawnAtRandom } from '../models/name_model.js';
import { OutcomeHistory, type OutcomeModel } from '../models/outcomes.js';
import type { Detector, DetectorContext } from './detector.js';
import { DnsReader } from './dns_reader.js';
import { counted, lasting } from './words.js';

/**
 * D8, names made by an algorithm to find a command server. ATT&CK T1568.002.
 *
 * Method: each registrable name that a device asks for the first time is one of four outcomes, by
 * whether it exists and by whether its label is likelier drawn at random (letters, letters and digits,
 * hex) than made by people (4-gram Witten-Bell model of characters, seeded by names of everyday
 * words). The bet is P(outcome | generator) against what this device's new names were more than half
 * an hour ago (Dirichlet prior). Seven random names that do not exist are enough, twelve of words.
 * Only addresses are asked for by a generator; names below private ends (local, lan, corp) are none
 * that it can use, and resolution that failed for another reason says nothing.
 *
 * Memory: 16 to 32 kB of names an entity that asks. Cold start: the prior; every twelfth name of
 * honest people looks random to a model that has learned words only. Evasion: words that exist, one
 * name a day; names of one that is registered are for the DNS tunnel test. A host that checks what
 * others send it (mail, crawler) asks for many names that do not exist; it is known after half an hour.
 */
export interface DgaOptions {
  /** ln of P(label | random) / P(label | people) from which a label counts as random. */
  readonly randomFrom: number;
  readonly model: OutcomeModel;
  /** Names remembered per entity, of one generation. */
  readonly namesMost: number;
}

export const DGA_DEFAULTS: DgaOptions = {
  randomFrom: 12,
  model: {
    normal: [0.85, 0.08, 0.05, 0.02],
    normalWeight: 20,
    attack: [0.04, 0.16, 0.25, 0.55],
    learningDelayUs: 1800e6,
  },
  namesMost: 2048,
};

const LANE = LANE_INDEX.dga;
const NOERROR = 0;
const NXDOMAIN = 3;
const A = 1;
const AAAA = 28;
const EXAMPLES = 3;

/** Kinds of outcomes. */
const RANDOM = 1;
const NOT_THERE = 2;

class DgaState implements EntityState {
  readonly names: KeySet;
  readonly history: OutcomeHistory;
  asked = 0;
  missing = 0;
  random = 0;
  examples: string[] = [];
  firstUs = 0;
  lastUs = 0;

  constructor({ namesMost, model }: DgaOptions) {
    this.names = new KeySet(namesMost);
    this.history = new OutcomeHistory(model.normal.length);
  }

  recycle(): boolean {
    this.names.clear();
    this.history.clear();
    this.asked = 0;
    this.missing = 0;
    this.random = 0;
    this.examples = [];
    this.firstUs = 0;
    this.lastUs = 0;
    return true;
  }

  save(out: StateWriter): void {
    this.names.save(out);
    this.history.save(out);
    out.f64s([this.asked, this.missing, this.random, this.firstUs, this.lastUs]);
    out.u32(this.examples.length);
    for (const example of this.examples) out.text(example);
  }

  restore(from: StateReader): void {
    this.names.restore(from);
    this.history.restore(from);
    this.asked = from.natural();
    this.missing = from.natural();
    this.random = from.natural();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.examples = Array.from({ length: from.count(EXAMPLES) }, () => from.text());
  }
}

class DgaDetector implements Detector {
  readonly name = 'dga';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['dga'];
  readonly eventsOfEnds = [EventType.DNS];
  readonly #slot: number;
  readonly #options: DgaOptions;
  readonly #dns = new DnsReader();

  constructor(slot: number, options: DgaOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_RESPONDER)) return;
    const dns = this.#dns;
    if (!dns.read(context, 'response')) return;
    if (dns.rcode !== NOERROR && dns.rcode !== NXDOMAIN) return;
    if (dns.rrtype !== A && dns.rrtype !== AAAA) return;
    const entity = context.receiver();
    const state = (entity.slots[this.#slot] ??= new DgaState(this.#options)) as DgaState;
    if (!state.names.add(dns.hash(dns.registrableAt, dns.length)) || !dns.isPublic) return;
    const outcome = this.#outcome();
    const { model } = this.#options;
    const lnE = state.history.lnE(outcome, model);
    this.#note(state, outcome, event.tsUs);
    if (context.isClean(entity)) state.history.note(outcome, context.timeUs, model);
    if (context.bet(entity, LANE, lnE)) this.#explain(state, lnE, { entity, context });
  }

  describe(entity: Entity): string {
    return sentence(entity.slots[this.#slot] as DgaState);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    (entity.slots[this.#slot] as DgaState).save(out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const state = new DgaState(this.#options);
    entity.slots[this.#slot] = state;
    state.restore(from);
  }

  #outcome(): number {
    const dns = this.#dns;
    const at = dns.registrableAt;
    const length = dns.registeredLength;
    const ratio =
      lnDrawnAtRandom(dns.name, at, length) - labelModel().lnProbability(dns.name, at, length);
    const random = ratio >= this.#options.randomFrom ? RANDOM : 0;
    return random + (dns.rcode === NXDOMAIN ? NOT_THERE : 0);
  }

  #note(state: DgaState, outcome: number, atUs: number): void {
    const dns = this.#dns;
    if (state.asked === 0) state.firstUs = atUs;
    state.asked++;
    state.lastUs = atUs;
    if (outcome & RANDOM) state.random++;
    if (outcome & NOT_THERE) state.missing++;
    if (outcome === 0) return;
    if (state.examples.length === EXAMPLES) state.examples.shift();
    state.examples.push(dns.text(dns.registrableAt, dns.length));
  }

  #explain(
    state: DgaState,
    lnE: number,
    { entity, context }: { readonly entity: Entity; readonly context: DetectorContext },
  ): void {
    const { model } = this.#options;
    const missing =
      state.history.probability(NOT_THERE, model) +
      state.history.probability(NOT_THERE | RANDOM, model);
    const expected = state.asked * missing;
    const deviation = Math.sqrt(state.asked * missing * (1 - missing));
    const nRef = state.history.references;
    context.explain(entity, LANE, {
      other: null,
      t0Us: state.firstUs,
      lnE,
      p: pOfLnE(lnE),
      reason: sentence(state),
      features: [
        {
          feature: 'new names asked for that do not exist',
          observed: state.missing,
          expectedMedian: Math.round(expected),
          expectedP99: Math.min(state.asked, Math.ceil(expected + 2.33 * deviation)),
          scope: nRef > 0 ? 'self' : 'default',
          lnEShare: lnE,
          nRef,
        },
      ],
      flows: [context.flowRef()],
    });
  }
}

export function createDgaDetector(slot: number, options: Partial<DgaOptions> = {}): Detector {
  return new DgaDetector(slot, { ...DGA_DEFAULTS, ...options });
}

function sentence(state: DgaState): string {
  const names = counted(state.asked, 'new name');
  const span = lasting(state.lastUs - state.firstUs);
  const such = state.examples.length > 0 ? `, such as ${state.examples.join(', ')}` : '';
  return `asked DNS for ${names} in ${span}, of which ${state.missing} do not exist and ${state.random} look random${such}`;
}
