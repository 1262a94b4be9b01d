import type { Edge, Measure } from '../domain/action.js';
import type { ResponseOption } from '../domain/decision.js';
import type { EntityRef } from '../domain/entity.js';
import type { Evidence } from '../domain/evidence.js';
import type { FlowRef } from '../domain/flow.js';
import type { Incident } from '../domain/incident.js';
import { measureText, type AllowList } from '../domain/measure.js';
import type { SourceStations } from '../models/source_stations.js';
import { protocolOf, type NormalTraffic } from '../models/normal_traffic.js';
import { efficacyOf } from './efficacy.js';
import { isAnswered, isOfVictim, isSourceProven } from './source_proof.js';

const OPTIONS_MOST = 32;
const SOURCES_MOST = 4;
const EDGES_MOST = 4;
const PEERS_MOST = 4;
/** Ports of one host from which on all of them are meant. */
const PORTS_MANY = 3;
/** Where nothing is known of what is normal. */
const DEFAULT_BYTES_PER_SECOND = 131_072;
const DEFAULT_PACKETS_PER_SECOND = 10;
/** Limits leave this much above what is usual. */
const MARGIN = 2;

/** What options are made of. */
export interface OptionsView {
  readonly normal: NormalTraffic;
  readonly stations: SourceStations;
  readonly allowed: AllowList;
  isInternal(address: string): boolean;
}

/** What could be done about an incident, with what it would take away and how likely it helps. */
export function optionsOf(incident: Incident, view: OptionsView): readonly ResponseOption[] {
  const measures = new Map<string, Measure>();
  for (const measure of measuresOf(incident, view)) measures.set(measureText(measure), measure);
  return [...measures.values()]
    .filter((measure) => !view.allowed.forbids(measure) && !cutsAllowed(measure, view))
    .map((measure) => ({ measure, efficacy: efficacyOn(measure, incident.evidence) }))
    .filter(({ measure, efficacy }) => efficacy > 0 || measure.kind === 'observe')
    .slice(0, OPTIONS_MOST)
    .map(({ measure, efficacy }) => ({
      measure,
      impact: view.normal.impactOf(measure),
      efficacy,
      proven: isProven(measure, incident.evidence, view.stations),
    }));
}

function* measuresOf({ entity, evidence }: Incident, view: OptionsView): Generator<Measure> {
  yield { kind: 'observe', host: entity.address };
  yield { kind: 'record', host: entity.address };
  for (const victim of hostsOf(evidence.filter(isOfVictim))) {
    yield* againstFlood(victim, evidence, view.normal);
  }
  for (const source of hostsOf(evidence.filter((piece) => !isOfVictim(piece)))) {
    // An address that may be made up is never acted on.
    if (!source.proven) continue;
    const own = evidence.filter((piece) => piece.entity.address === source.address);
    yield* againstSource(source, own, view);
  }
}

/** The hosts that evidence is about, those with most of it first. */
function hostsOf(evidence: readonly Evidence[]): readonly EntityRef[] {
  const sums = new Map<string, { readonly entity: EntityRef; lnE: number }>();
  for (const { entity, lnE } of evidence) {
    if (entity.kind !== 'device' && entity.kind !== 'external') continue;
    const known = sums.get(entity.address);
    if (known === undefined) sums.set(entity.address, { entity, lnE });
    else known.lnE += lnE;
  }
  const ranked = [...sums.values()].sort((a, b) => b.lnE - a.lnE || a.entity.key - b.entity.key);
  return ranked.slice(0, SOURCES_MOST).map(({ entity }) => entity);
}

function* againstFlood(
  { address }: EntityRef,
  evidence: readonly Evidence[],
  normal: NormalTraffic,
): Generator<Measure> {
  const burst = normal.usualBurstOf(address);
  const packetsPerSecond =
    burst === null ? DEFAULT_PACKETS_PER_SECOND : Math.max(1, Math.ceil(MARGIN * burst));
  const lanes = new Set(evidence.filter((p) => p.entity.address === address).map((p) => p.lane));
  const limit = { kind: 'limit_sources', victim: address, port: null, packetsPerSecond } as const;
  if (lanes.has('syn_flood')) yield { ...limit, protocol: 'tcp' };
  if (lanes.has('volumetric_flood')) yield { ...limit, protocol: 'any' };
  yield { kind: 'rate_limit', host: address, bytesPerSecond: rateFor(address, normal) };
  yield { kind: 'blackhole', victim: address };
}

function* againstSource(
  { address, kind }: EntityRef,
  evidence: readonly Evidence[],
  view: OptionsView,
): Generator<Measure> {
  for (const edge of edgesOf(evidence, address)) yield { kind: 'block_edge', edge };
  for (const { domain } of evidence) if (domain !== undefined) yield { kind: 'sinkhole', domain };
  if (kind === 'external') {
    yield { kind: 'block_external', address };
    return;
  }
  for (const peer of outsidePeersOf(evidence, address, view)) {
    yield { kind: 'block_external', address: peer };
  }
  const { normal, allowed } = view;
  yield { kind: 'rate_limit', host: address, bytesPerSecond: rateFor(address, normal) };
  const edges = normal.patternOf(address, (peer) => allowed.hasAddress(peer));
  if (edges.length > 0) yield { kind: 'hold_pattern', host: address, edges };
  yield { kind: 'isolate', host: address };
}

function rateFor(host: string, normal: NormalTraffic): number {
  const usual = normal.usualRateOf(host);
  return usual === null ? DEFAULT_BYTES_PER_SECOND : Math.ceil(usual);
}

/** The edges that a host's evidence is about, the most telling first. */
function edgesOf(evidence: readonly Evidence[], address: string): readonly Edge[] {
  const sums = new Map<string, { readonly edge: Edge; lnE: number }>();
  const ports = new Map<string, Set<number>>();
  const add = (edge: Edge, lnE: number): void => {
    const text = JSON.stringify(edge);
    const known = sums.get(text);
    if (known === undefined) sums.set(text, { edge, lnE });
    else known.lnE += lnE;
  };
  for (const { flows, lnE } of evidence) {
    for (const flow of flows) {
      if (flow.origIp !== address && flow.respIp !== address) continue;
      const ends = { from: flow.origIp, to: flow.respIp };
      const pair = `${ends.from} ${ends.to}`;
      ports.set(pair, (ports.get(pair) ?? new Set()).add(flow.respPort));
      add({ ...ends, protocol: protocolOf(flow.protocol), port: portOf(flow) }, lnE);
      if (ports.get(pair)!.size >= PORTS_MANY) add({ ...ends, protocol: 'any', port: null }, lnE);
    }
  }
  const ranked = [...sums.values()].sort((a, b) => b.lnE - a.lnE);
  const whole = ranked.filter(({ edge }) => edge.protocol === 'any').slice(0, 1);
  const single = ranked.filter((one) => !whole.includes(one)).slice(0, EDGES_MOST);
  return [...whole, ...single].map(({ edge }) => edge);
}

const portOf = ({ protocol, respPort }: FlowRef): number | null =>
  protocolOf(protocol) === 'tcp' || protocolOf(protocol) === 'udp' ? respPort : null;

function outsidePeersOf(
  evidence: readonly Evidence[],
  address: string,
  view: OptionsView,
): readonly string[] {
  const peers = evidence.flatMap(({ flows }) =>
    flows.filter((flow) => flow.origIp === address).map((flow) => flow.respIp),
  );
  return [...new Set(peers)].filter((peer) => !view.isInternal(peer)).slice(0, PEERS_MOST);
}

/** What cuts a host off takes it from those that are always allowed, too, where they talk. */
function cutsAllowed(measure: Measure, { normal, allowed }: OptionsView): boolean {
  const isAllowed = (peer: string): boolean => allowed.hasAddress(peer);
  if (measure.kind === 'isolate') return normal.peersOf(measure.host).some(isAllowed);
  if (measure.kind === 'blackhole') return normal.peersOf(measure.victim).some(isAllowed);
  return false;
}

/** Mean over the evidence, by its weight, of how likely the measure stops what it speaks of. */
function efficacyOn(measure: Measure, evidence: readonly Evidence[]): number {
  let total = 0;
  let stopped = 0;
  for (const piece of evidence) {
    const weight = Math.max(0, piece.lnE);
    total += weight;
    if (covers(measure, piece)) stopped += weight * efficacyOf(piece.lane, measure.kind);
  }
  return total > 0 ? stopped / total : 0;
}

function covers(measure: Measure, piece: Evidence): boolean {
  const { entity, flows } = piece;
  switch (measure.kind) {
    case 'observe':
    case 'record':
      return true;
    case 'limit_sources':
    case 'blackhole':
      return isOfVictim(piece) && entity.address === measure.victim;
    case 'hold_pattern':
      return entity.address === measure.host && !isKept(flows, measure.edges);
    case 'rate_limit':
    case 'isolate':
      return entity.address === measure.host;
    case 'block_edge':
      return flows.some((flow) => isOnEdge(flow, measure.edge));
    case 'block_external':
      return (
        entity.address === measure.address ||
        flows.some(({ origIp, respIp }) => [origIp, respIp].includes(measure.address))
      );
    case 'sinkhole':
      return piece.domain === measure.domain;
  }
}

/** What is done over edges that stay open goes on. */
const isKept = (flows: readonly FlowRef[], edges: readonly Edge[]): boolean =>
  flows.length > 0 && flows.every((flow) => edges.some((edge) => isOnEdge(flow, edge)));

function isOnEdge(flow: FlowRef, { from, to, protocol, port }: Edge): boolean {
  if (flow.origIp !== from || flow.respIp !== to) return false;
  const isSamePort = port === null || port === flow.respPort;
  return isSamePort && (protocol === 'any' || protocol === protocolOf(flow.protocol));
}

/** Whether those that a measure acts on did themselves what it answers. */
function isProven(
  measure: Measure,
  evidence: readonly Evidence[],
  stations: SourceStations,
): boolean {
  const proven = (address: string): boolean => isSourceProven(address, evidence, stations);
  const covered = evidence.filter((piece) => !isOfVictim(piece) && covers(measure, piece));
  const sources = [...new Set(covered.map(({ entity }) => entity.address))];
  switch (measure.kind) {
    case 'observe':
    case 'record':
    case 'limit_sources':
    case 'blackhole':
      return true;
    case 'rate_limit':
      // Of a victim: nobody is accused.
      return covered.length === 0 || proven(measure.host);
    case 'hold_pattern':
    case 'isolate':
      return proven(measure.host);
    case 'block_edge':
    case 'sinkhole':
      return sources.length > 0 && sources.every(proven);
    case 'block_external':
      if (sources.includes(measure.address)) return proven(measure.address);
      return (
        sources.length > 0 &&
        sources.every(proven) &&
        covered.some(({ flows }) => flows.some((flow) => isAnswered(flow, measure.address)))
      );
  }
}
