import type { Measure } from '../../domain/action.js';
import { parseAddress, parsePair, protocolNumber, type Family } from './address.js';

/**
 * A route that thymus announces. `flow`: traffic that matches is dropped or limited (RFC 8955, RFC
 * 8956). `blackhole`: all traffic to one address is dropped upstream (RFC 7999).
 */
export type BgpRoute =
  | {
      readonly kind: 'flow';
      readonly family: Family;
      /** Single addresses; null: any. At least one is there. */
      readonly source: string | null;
      readonly destination: string | null;
      readonly protocol: number | null;
      readonly destinationPort: number | null;
      /** null: all of it is dropped. */
      readonly bytesPerSecond: number | null;
    }
  | { readonly kind: 'blackhole'; readonly family: Family; readonly address: string };

/** What makes a route the same as another, whatever is done with its traffic. */
export function routeKey(route: BgpRoute): string {
  if (route.kind === 'blackhole') return `blackhole ${route.address}`;
  const { source, destination, protocol, destinationPort } = route;
  return `flow ${source ?? '*'} ${destination ?? '*'} ${protocol ?? '*'} ${destinationPort ?? '*'}`;
}

export const prefixLength = (family: Family): number => (family === '4' ? 32 : 128);

export const BGP_KINDS: ReadonlySet<Measure['kind']> = new Set([
  'rate_limit',
  'block_edge',
  'block_external',
  'isolate',
  'blackhole',
]);

/** The routes of a measure; a sentence where BGP cannot say it. */
export function routesOf(measure: Measure): readonly BgpRoute[] | string {
  switch (measure.kind) {
    case 'block_external':
      return bothWays(measure.address, null);
    case 'isolate':
      return bothWays(measure.host, null);
    case 'rate_limit':
      return bothWays(measure.host, Math.max(1, Math.round(measure.bytesPerSecond)));
    case 'block_edge': {
      const { from, to, protocol, port } = measure.edge;
      const ends = parsePair(from, to);
      if (ends === null) return noAddress(`${from} to ${to}`);
      const { family } = ends.from;
      return [
        {
          ...flow(family),
          source: ends.from.text,
          destination: ends.to.text,
          protocol: protocolNumber(protocol, family),
          destinationPort: protocol === 'icmp' ? null : port,
        },
      ];
    }
    case 'blackhole': {
      const victim = parseAddress(measure.victim);
      if (victim === null) return noAddress(measure.victim);
      return [{ kind: 'blackhole', family: victim.family, address: victim.text }];
    }
    case 'observe':
    case 'record':
    case 'limit_sources':
    case 'hold_pattern':
    case 'sinkhole':
      return `BGP does not know the measure '${measure.kind}'.`;
  }
}

const flow = (family: Family) =>
  ({
    kind: 'flow',
    family,
    source: null,
    destination: null,
    protocol: null,
    destinationPort: null,
    bytesPerSecond: null,
  }) as const;

function bothWays(host: string, bytesPerSecond: number | null): readonly BgpRoute[] | string {
  const address = parseAddress(host);
  if (address === null) return noAddress(host);
  const { family, text } = address;
  return [
    { ...flow(family), source: text, bytesPerSecond },
    { ...flow(family), destination: text, bytesPerSecond },
  ];
}

const noAddress = (text: string): string =>
  `'${text}' is no address (or two of different IP versions): a route needs single addresses.`;
