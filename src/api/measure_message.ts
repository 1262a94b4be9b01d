import {
  LADDER,
  type ActionKind,
  type Edge,
  type Measure,
  type Protocol,
} from '../domain/action.js';
import { ThymusError } from '../errors.js';
import type { thymus } from './gen/response.js';

type MeasureMessage = thymus.v1.Measure.$Properties;
type EdgeMessage = thymus.v1.Edge.$Properties;

const KINDS: readonly ActionKind[] = LADDER.map(({ kind }) => kind);
const MOST_PORT = 65_535;
const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'icmp', 'any'];

export function measureMessage(measure: Measure): MeasureMessage {
  const { kind } = measure;
  switch (kind) {
    case 'observe':
    case 'record':
    case 'isolate':
      return { kind, target: measure.host };
    case 'rate_limit':
      return { kind, target: measure.host, bytesPerSecond: measure.bytesPerSecond };
    case 'hold_pattern':
      return { kind, target: measure.host, edges: measure.edges.map(edgeMessage) };
    case 'block_edge':
      return { kind, edges: [edgeMessage(measure.edge)] };
    case 'block_external':
      return { kind, target: measure.address };
    case 'sinkhole':
      return { kind, target: measure.domain };
    case 'blackhole':
      return { kind, target: measure.victim };
    case 'limit_sources': {
      const { victim: target, protocol, port, packetsPerSecond } = measure;
      return { kind, target, protocol, port, packetsPerSecond };
    }
  }
}

/** @throws ThymusError REFUSED when it is not one that can be meant */
export function measureOf(message: MeasureMessage): Measure {
  const kind = among(KINDS, message.kind, 'measure');
  const target = message.target ?? '';
  const edges = (message.edges ?? []).map(edgeOf);
  if (kind === 'block_edge') {
    if (edges.length !== 1) throw malformed('a blocked edge');
    return { kind, edge: edges[0]! };
  }
  if (target === '') throw malformed('a measure');
  switch (kind) {
    case 'observe':
    case 'record':
    case 'isolate':
      return { kind, host: target };
    case 'rate_limit':
      return { kind, host: target, bytesPerSecond: rateOf(message.bytesPerSecond) };
    case 'hold_pattern':
      return { kind, host: target, edges };
    case 'block_external':
      return { kind, address: target };
    case 'sinkhole':
      return { kind, domain: target };
    case 'blackhole':
      return { kind, victim: target };
    case 'limit_sources':
      return {
        kind,
        victim: target,
        protocol: among(PROTOCOLS, message.protocol, 'protocol'),
        port: portOf(message.port),
        packetsPerSecond: rateOf(message.packetsPerSecond),
      };
  }
}

const edgeMessage = (edge: Edge): EdgeMessage => ({ ...edge });

function edgeOf({ from, to, protocol, port }: EdgeMessage): Edge {
  if (!from || !to) throw malformed('an edge');
  return { from, to, protocol: among(PROTOCOLS, protocol, 'protocol'), port: portOf(port) };
}

function portOf(value: number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (value <= MOST_PORT) return value;
  throw malformed(`the port ${value}`);
}

function rateOf(value: number | null | undefined): number {
  const rate = value ?? 0;
  if (rate >= 0 && rate < Infinity) return rate;
  throw malformed(`the rate ${rate}`);
}

/** @throws ThymusError REFUSED where it is none of those that are known */
export function among<T extends string>(
  known: readonly T[],
  said: string | null | undefined,
  what: string,
): T {
  const found = known.find((one) => one === said);
  if (found === undefined) throw malformed(`the ${what} '${said ?? ''}'`);
  return found;
}

/** What the other side said cannot be meant. */
export function malformed(what: string): ThymusError {
  const message = `Nobody here can read ${what}: run the same version of thymus on both sides.`;
  return new ThymusError('REFUSED', message);
}
