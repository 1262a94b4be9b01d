import type { Edge, Measure, Protocol } from './action.js';
import { AddressSet } from './address_set.js';

/** The hosts whose traffic a measure takes away or slows down, as addresses. */
export function addressesOf(measure: Measure): readonly string[] {
  switch (measure.kind) {
    case 'observe':
    case 'record':
    case 'sinkhole':
      return [];
    case 'rate_limit':
    case 'hold_pattern':
    case 'isolate':
      return [measure.host];
    case 'limit_sources':
    case 'blackhole':
      return [measure.victim];
    case 'block_edge':
      return [measure.edge.from, measure.edge.to];
    case 'block_external':
      return [measure.address];
  }
}

/** The ends of a flow, as addresses. */
export interface FlowEnds {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** True of measures that let nothing through of what they are about. */
export function dropsTraffic({ kind }: Measure): boolean {
  return DROPPING.has(kind);
}

const DROPPING: ReadonlySet<Measure['kind']> = new Set([
  'block_edge',
  'block_external',
  'hold_pattern',
  'isolate',
]);

/** Whether a measure that drops traffic lets none of such a flow through. */
export function stopsFlow(measure: Measure, { from, to, protocol, port }: FlowEnds): boolean {
  const names = (host: string): boolean => from === host || to === host;
  const isOf = (edge: Edge): boolean =>
    edge.from === from &&
    edge.to === to &&
    (edge.protocol === 'any' || edge.protocol === protocol) &&
    (edge.port === null || edge.port === port);
  if (measure.kind === 'block_edge') return isOf(measure.edge);
  if (measure.kind === 'block_external') return names(measure.address);
  if (measure.kind === 'isolate') return names(measure.host);
  return measure.kind === 'hold_pattern' && names(measure.host) && !measure.edges.some(isOf);
}

/**
 * Two texts are equal when the same is to be enforced. What is normal goes on being learned: a limit,
 * or holding a host to what is normal, is one measure all the same, whatever its figures.
 */
export function measureText(measure: Measure): string {
  const { kind, ...rest } = measure;
  if (measure.kind === 'hold_pattern' || measure.kind === 'rate_limit') {
    return `${kind} ${measure.host}`;
  }
  if (measure.kind === 'limit_sources') {
    return `${kind} ${measure.victim} ${measure.protocol} ${measure.port}`;
  }
  return `${kind} ${JSON.stringify(rest)}`;
}

/** What nothing is ever done to. */
export class AllowList {
  readonly #addresses: AddressSet;
  readonly #names: ReadonlySet<string>;

  /** @param entries address prefixes, and names that stand for all names below them, too */
  constructor(entries: readonly string[]) {
    this.#addresses = new AddressSet(entries);
    this.#names = new Set(entries.map(canonicalName));
  }

  hasAddress(address: string): boolean {
    return this.#addresses.has(address);
  }

  hasName(name: string): boolean {
    const labels = canonicalName(name).split('.');
    return labels.some((_, i) => this.#names.has(labels.slice(i).join('.')));
  }

  /** True when a measure names something of the list. What changes no traffic touches nobody. */
  forbids(measure: Measure): boolean {
    if (measure.kind === 'sinkhole') {
      return this.hasName(measure.domain) || this.#isAbove(measure.domain);
    }
    return addressesOf(measure).some((address) => this.hasAddress(address));
  }

  /** A sinkhole takes all names below it along. */
  #isAbove(domain: string): boolean {
    const end = `.${canonicalName(domain)}`;
    return [...this.#names].some((name) => name.endsWith(end));
  }
}

const canonicalName = (name: string): string => name.toLowerCase().replace(/\.$/, '');
