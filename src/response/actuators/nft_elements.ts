import type { Edge, Measure } from '../../domain/action.js';
import { parseAddress, parsePair, protocolNumber, type Family } from './address.js';
import {
  limitChain,
  limitScript,
  nameInTable,
  roundedRate,
  type MapName,
  type SetName,
  type SourceLimit,
} from './nft_table.js';

/** One element of a set, without what it is there for and how long. */
export interface NftElement {
  readonly set: string;
  readonly key: string;
  /** An own limit of the element, or nothing. */
  readonly limit: string;
  /** Chain that a map leads to, or nothing. */
  readonly target: string;
  /** Script that has to run before it, or nothing. */
  readonly needs: string;
}

/** Measures that the packet filter can hold. */
export const NFT_KINDS: ReadonlySet<Measure['kind']> = new Set([
  'limit_sources',
  'rate_limit',
  'block_edge',
  'block_external',
  'hold_pattern',
  'isolate',
]);

// Packets that the kernel has joined are larger than any link allows and have to fit.
const LEAST_BURST_BYTES = 65_536;
const MOST_EDGES = 4096;

/** The elements of a measure; a sentence where the packet filter cannot hold it. */
export function elementsOf(measure: Measure): readonly NftElement[] | string {
  switch (measure.kind) {
    case 'block_external':
      return hostElement('blocked', measure.address);
    case 'isolate':
      return hostElement('blocked', measure.host);
    case 'rate_limit':
      return hostElement('limited', measure.host, byteLimit(measure.bytesPerSecond));
    case 'block_edge':
      return edgeElements('edge', measure.edge);
    case 'hold_pattern':
      return holdElements(measure.host, measure.edges);
    case 'limit_sources':
      return limitElements(measure);
    case 'observe':
    case 'record':
    case 'sinkhole':
    case 'blackhole':
      return `The packet filter does not know the measure '${measure.kind}'.`;
  }
}

const plain = (name: SetName | MapName, family: Family, key: string, limit = ''): NftElement => ({
  set: nameInTable(name, family),
  key,
  limit,
  target: '',
  needs: '',
});

function hostElement(set: SetName, host: string, limit = ''): readonly NftElement[] | string {
  const address = parseAddress(host);
  if (address === null) return noAddress(host);
  return [plain(set, address.family, address.text, limit)];
}

function byteLimit(bytesPerSecond: number): string {
  const rate = Math.max(1, Math.round(bytesPerSecond));
  const burst = Math.max(LEAST_BURST_BYTES, Math.round(rate / 4));
  return ` limit rate over ${rate} bytes/second burst ${burst} bytes`;
}

function edgeElements(prefix: 'edge' | 'allow', edge: Edge): readonly NftElement[] | string {
  const ends = parsePair(edge.from, edge.to);
  if (ends === null) return noAddress(`${edge.from} to ${edge.to}`);
  const { from, to } = ends;
  const pair = `${from.text} . ${to.text}`;
  const number = protocolNumber(edge.protocol, from.family);
  const hasPort = edge.port !== null && edge.protocol !== 'icmp';
  if (hasPort) {
    const numbers = number === null ? [6, 17] : [number];
    return numbers.map((each) =>
      plain(`${prefix}_service`, from.family, `${pair} . ${each} . ${edge.port}`),
    );
  }
  if (number === null) return [plain(`${prefix}_pair`, from.family, pair)];
  return [plain(`${prefix}_protocol`, from.family, `${pair} . ${number}`)];
}

function holdElements(host: string, edges: readonly Edge[]): readonly NftElement[] | string {
  if (edges.length > MOST_EDGES) {
    return `A pattern of ${edges.length} edges is too large (at most ${MOST_EDGES}): isolate the host instead.`;
  }
  const elements: NftElement[] = [];
  for (const edge of edges) {
    const allowed = edgeElements('allow', edge);
    if (typeof allowed === 'string') return allowed;
    elements.push(...allowed);
  }
  const held = hostElement('held', host);
  return typeof held === 'string' ? held : [...elements, ...held];
}

function limitElements(
  measure: Extract<Measure, { kind: 'limit_sources' }>,
): readonly NftElement[] | string {
  const { victim, protocol, port } = measure;
  const address = parseAddress(victim);
  if (address === null) return noAddress(victim);
  const { family, text } = address;
  const number = protocolNumber(protocol, family);
  const numbers = number === null ? [6, 17] : [number];
  const hasPort = port !== null && protocol !== 'icmp';
  const keys = hasPort ? numbers.map((each) => `${text} . ${each} . ${port}`) : null;
  const scope: MapName = hasPort
    ? 'victim_service'
    : number === null
      ? 'victim_host'
      : 'victim_protocol';
  const limit: SourceLimit = {
    family,
    synOnly: protocol === 'tcp',
    scope,
    packetsPerSecond: roundedRate(measure.packetsPerSecond),
  };
  const rest = { target: ` : jump ${limitChain(limit)}`, needs: limitScript(limit) };
  const hostKey = number === null ? text : `${text} . ${number}`;
  return (keys ?? [hostKey]).map((key) => ({ ...plain(scope, family, key), ...rest }));
}

const noAddress = (text: string): string =>
  `'${text}' is no address (or two of different IP versions): the packet filter needs single addresses.`;
