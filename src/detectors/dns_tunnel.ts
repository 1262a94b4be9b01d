import { formatAddress } from '../batch/address.js';
import { EventType } from '../batch/generated/event_schema.js';
import { EventRowOffset, type EventRowView, FlowRoles } from '../batch/generated/record_layout.js';
import type { FeatureShare } from '../domain/evidence.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity, EntityState } from '../models/entity_table.js';
import { pOfLnE } from '../models/e_value.js';
import { KeySet } from '../models/key_set.js';
import { subdomainModel, SYMBOLS } from '../models/name_model.js';
import { OutcomeHistory, Walk, type OutcomeModel } from '../models/outcomes.js';
import { RecencyMap } from '../models/recency_map.js';
import type { Detector, DetectorContext } from './detector.js';
import { DnsReader } from './dns_reader.js';
import { counted, grouped, lasting } from './words.js';

/**
 * D7, data carried in the names of DNS questions. ATT&CK T1071.004, T1048.003, T1572.
 *
 * Method: what a question tells whoever serves the name is bounded by the surprise of its characters
 * under a model of how people name hosts (order 2, Witten-Bell), and by what the alphabet of names
 * can carry. Labels that were asked for before tell nothing. Each question below one registrable name
 * is a bet: how much it tells, in four steps, under a tunnel against what this device asked below this
 * name more than half an hour ago (Dirichlet prior). Names without a top-level domain, which only a
 * server of the tunnel would answer, are taken together by server. Names of addresses and services
 * (in-addr.arpa, _ldap._tcp) are of a form of their own and left out.
 *
 * Hard fact: a label that begins as a packed file or a private key does, in Base64, Base32 or
 * hexadecimal digits. One in 2^27 drawn at random from such letters does (18.7 nats), and a device that
 * asks for one of them in every tick is taken to be one in ten or rarer: 21 nats, once below each name.
 *
 * Memory: 64 names of 0.5 to 16 kB an entity, used ones only. Cold start: the prior, by which seven
 * new long names in a row are a tunnel. Evasion: names of a few characters at a time, one rarely, or
 * words for data: each tells little, so what leaves is little. Reputation services that are asked by
 * hash over DNS look the same until they are known: they are what else can alarm here.
 */
export interface DnsTunnelOptions {
  /** Steps of what a question tells, bits. */
  readonly steps: readonly [number, number, number];
  readonly model: OutcomeModel;
  /** Nats of a label that begins as a file does. */
  readonly lnFile: number;
  /** Names remembered per entity, and labels below each, of one generation. */
  readonly channelsMost: number;
  readonly labelsMost: number;
}

export const DNS_TUNNEL_DEFAULTS: DnsTunnelOptions = {
  steps: [24, 64, 128],
  model: {
    normal: [0.74, 0.15, 0.08, 0.03],
    normalWeight: 20,
    attack: [0.05, 0.15, 0.25, 0.55],
    learningDelayUs: 1800e6,
  },
  lnFile: 21,
  channelsMost: 64,
  labelsMost: 512,
};

const LANE = LANE_INDEX.dns_tunnel;
const BITS_PER_NAT = 1 / Math.LN2;
const BITS_PER_BYTE_MOST = Math.log2(SYMBOLS);

/** What one device asks below one name. */
class Channel {
  readonly labels: KeySet;
  readonly history: OutcomeHistory;
  readonly walk = new Walk();
  name = '';
  asked = 0;
  fresh = 0;
  bits = 0;
  firstUs = 0;
  lastUs = 0;
  /** A label below it began as a file does. */
  hasFile = false;

  constructor({ labelsMost, model }: DnsTunnelOptions) {
    this.labels = new KeySet(labelsMost);
    this.history = new OutcomeHistory(model.normal.length);
  }

  clear(): void {
    this.labels.clear();
    this.history.clear();
    this.walk.clear();
    this.name = '';
    this.asked = 0;
    this.fresh = 0;
    this.bits = 0;
    this.firstUs = 0;
    this.lastUs = 0;
    this.hasFile = false;
  }

  save(out: StateWriter): void {
    this.labels.save(out);
    this.history.save(out);
    this.walk.save(out);
    out.text(this.name);
    out.f64s([this.asked, this.fresh, this.bits, this.firstUs, this.lastUs]);
    out.flag(this.hasFile);
  }

  restore(from: StateReader): void {
    this.labels.restore(from);
    this.history.restore(from);
    this.walk.restore(from);
    this.name = from.text();
    this.asked = from.natural();
    this.fresh = from.natural();
    this.bits = from.f64();
    this.firstUs = from.time();
    this.lastUs = from.time();
    this.hasFile = from.flag();
  }
}

class DnsTunnelState implements EntityState {
  readonly channels: RecencyMap<Channel>;

  constructor(options: DnsTunnelOptions) {
    const make = (): Channel => new Channel(options);
    this.channels = new RecencyMap(options.channelsMost, make, (channel) => channel.clear());
  }

  recycle(): boolean {
    this.channels.clear();
    return true;
  }
}

class DnsTunnelDetector implements Detector {
  readonly name = 'dns_tunnel';
  readonly memoryVersion = 2;
  readonly lanes: readonly LaneId[] = ['dns_tunnel'];
  readonly eventsOfEnds = [EventType.DNS];
  readonly #slot: number;
  readonly #options: DnsTunnelOptions;
  readonly #dns = new DnsReader();

  constructor(slot: number, options: DnsTunnelOptions) {
    this.#slot = slot;
    this.#options = options;
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_ORIGINATOR)) return;
    const dns = this.#dns;
    if (!dns.read(context, 'request') || dns.isStructured) return;
    const entity = context.sender();
    const channel = this.#channelOf(entity, event);
    const bits = this.#bitsOf(channel);
    const step = stepOf(bits, this.#options.steps);
    const { model } = this.#options;
    const lnAmount = channel.history.lnE(step, model);
    const lnE = channel.walk.isBetOn ? lnAmount : 0;
    channel.walk.advance(lnAmount);
    note(channel, bits, event.tsUs);
    if (context.isClean(entity)) channel.history.note(step, context.timeUs, model);
    const lnFile = this.#lnFile(channel, event);
    if (lnE + lnFile !== 0 && context.bet(entity, LANE, lnE + lnFile)) {
      explain(channel, { lnE, lnFile, model, entity, event, context });
    }
  }

  describe(entity: Entity): string {
    const { channels } = entity.slots[this.#slot] as DnsTunnelState;
    const named = [...channels.values()].filter((channel) => channel.name !== '');
    return sentence(named.reduce((a, b) => (b.bits > a.bits ? b : a)));
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    const { channels } = entity.slots[this.#slot] as DnsTunnelState;
    channels.save(out, (channel) => channel.save(out));
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    const { channels } = (entity.slots[this.#slot] = new DnsTunnelState(this.#options));
    channels.restore(from, (channel) => channel.restore(from));
  }

  #channelOf(entity: Entity, event: EventRowView): Channel {
    const dns = this.#dns;
    const state = (entity.slots[this.#slot] ??= new DnsTunnelState(
      this.#options,
    )) as DnsTunnelState;
    const isNamed = dns.hasTopLevel;
    const key = isNamed ? dns.hash(dns.registrableAt, dns.length) : event.respKey;
    const channel = state.channels.claim(key);
    if (channel.asked === 0) channel.firstUs = event.tsUs;
    // Few channels are ever told of, so few need a name.
    if (channel.walk.isBetOn && channel.name === '') channel.name = this.#nameOf(event);
    return channel;
  }

  #nameOf(event: EventRowView): string {
    const dns = this.#dns;
    return dns.hasTopLevel
      ? dns.text(dns.registrableAt, dns.length)
      : `server ${formatAddress(event.u8, event.at + EventRowOffset.dstAddr)}`;
  }

  /** What it is worth that a label of the question begins as a file does. */
  #lnFile(channel: Channel, event: EventRowView): number {
    if (channel.hasFile || !this.#dns.hasFileHead) return 0;
    channel.hasFile = true;
    if (channel.name === '') channel.name = this.#nameOf(event);
    return this.#options.lnFile;
  }

  /** What the question tells by labels that none below its name had before. */
  #bitsOf(channel: Channel): number {
    const dns = this.#dns;
    const { name } = dns;
    const end = dns.hasTopLevel ? dns.registrableAt : dns.length + 1;
    let bits = 0;
    for (let at = 0; at < end;) {
      const next = dns.labelEnd(at);
      if (next > at && channel.labels.add(dns.hash(at, next))) bits += bitsOfLabel(name, at, next);
      at = next + 1;
    }
    return bits;
  }
}

/** How many of the steps, which ascend, were reached. */
function stepOf(bits: number, steps: readonly number[]): number {
  let step = 0;
  while (step < steps.length && bits >= steps[step]!) step++;
  return step;
}

function bitsOfLabel(name: Uint8Array, at: number, end: number): number {
  const surprise = -subdomainModel().lnProbability(name, at, end - at) * BITS_PER_NAT;
  return Math.min(surprise, (end - at) * BITS_PER_BYTE_MOST);
}

function note(channel: Channel, bits: number, atUs: number): void {
  channel.asked++;
  if (bits > 0) channel.fresh++;
  channel.bits += bits;
  channel.lastUs = atUs;
}

export function createDnsTunnelDetector(
  slot: number,
  options: Partial<DnsTunnelOptions> = {},
): Detector {
  return new DnsTunnelDetector(slot, { ...DNS_TUNNEL_DEFAULTS, ...options });
}

interface Bet {
  /** What it is worth how much the question tells, and that it holds the start of a file. */
  readonly lnE: number;
  readonly lnFile: number;
  readonly model: OutcomeModel;
  readonly entity: Entity;
  readonly event: EventRowView;
  readonly context: DetectorContext;
}

function explain(channel: Channel, bet: Bet): void {
  const { lnE, lnFile, model, entity, event, context } = bet;
  const rare = channel.history.probability(model.normal.length - 1, model);
  const expected = channel.asked * rare;
  const deviation = Math.sqrt(channel.asked * rare * (1 - rare));
  const nRef = channel.history.references;
  context.explain(entity, LANE, {
    other: formatAddress(event.u8, event.at + EventRowOffset.dstAddr),
    t0Us: channel.firstUs,
    lnE: lnE + lnFile,
    p: pOfLnE(lnE + lnFile),
    reason: sentence(channel),
    features: [
      {
        feature: `questions below ${channel.name} that were never asked before`,
        observed: channel.fresh,
        expectedMedian: Math.round(expected),
        expectedP99: Math.ceil(expected + 2.33 * deviation),
        scope: nRef > 0 ? 'self' : 'default',
        lnEShare: lnE,
        nRef,
      },
      ...(lnFile > 0 ? [startOfFile(lnFile)] : []),
    ],
    flows: [context.flowRef()],
    ...(isServerName(channel.name) ? {} : { domain: channel.name }),
  });
}

function startOfFile(lnFile: number): FeatureShare {
  return {
    feature: 'labels that begin as packed files or keys do',
    observed: 1,
    expectedMedian: 0,
    expectedP99: 0,
    scope: 'default',
    lnEShare: lnFile,
    nRef: 0,
  };
}

/** Questions without a name that somebody could own are put together by the server asked. */
const isServerName = (name: string): boolean => name.startsWith('server ');

function sentence(channel: Channel): string {
  const where = isServerName(channel.name) ? `of ${channel.name}` : `below ${channel.name}`;
  const span = lasting(channel.lastUs - channel.firstUs);
  const bytes = grouped(channel.bits / 8);
  const file = channel.hasFile ? ', with the start of a file' : '';
  return `asked DNS ${counted(channel.fresh, 'different question')} ${where} in ${span}, which carry up to ${bytes} bytes${file}`;
}
