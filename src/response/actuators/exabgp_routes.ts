import type { Family } from './address.js';
import type { BgpRoute } from './bgp_route.js';

const LINE = / ipv([46]) (?:unicast (\S+)|flow flow (.*))/;
const NAMES: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['icmpv6', 58],
]);

/** Routes with a mark in what `show adj-rib out extensive` prints; each once, whoever hears it. */
export function parseExabgpRoutes(text: string, mark: string): readonly BgpRoute[] {
  const routes = new Map<string, BgpRoute>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null || !line.split(/[\s[\]]+/).includes(mark)) continue;
    const [, version, prefix, flow] = match;
    const family = version as Family;
    const route: BgpRoute =
      prefix === undefined
        ? flowRoute(family, flow!)
        : { kind: 'blackhole', family, address: addressOf(prefix) };
    routes.set(JSON.stringify(route), route);
  }
  return [...routes.values()];
}

const addressOf = (prefix: string): string => prefix.split('/', 1)[0]!;

function flowRoute(family: Family, text: string): BgpRoute {
  const part = (name: string): string | null =>
    new RegExp(`(?:^| )${name} =?(\\S+)`).exec(text)?.[1] ?? null;
  const source = part(`source-ipv${family}`);
  const destination = part(`destination-ipv${family}`);
  const protocol = part(family === '4' ? 'protocol' : '(?:next-header|protocol)');
  const port = part('destination-port');
  return {
    kind: 'flow',
    family,
    source: source === null ? null : addressOf(source),
    destination: destination === null ? null : addressOf(destination),
    protocol: protocol === null ? null : (NAMES.get(protocol.toLowerCase()) ?? Number(protocol)),
    destinationPort: port === null ? null : Number(port),
    // What is done with the traffic does not tell routes apart.
    bytesPerSecond: null,
  };
}
