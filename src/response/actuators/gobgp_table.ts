import { z } from 'zod';
import type { Family } from './address.js';
import type { BgpRoute } from './bgp_route.js';

const ITEM = z.object({ op: z.number(), value: z.number() });
const PART = z.object({
  type: z.number(),
  value: z.union([z.object({ prefix: z.string() }), z.array(ITEM)]),
});
const PATH = z.object({
  nlri: z.union([z.object({ prefix: z.string() }), z.object({ value: z.array(PART) })]),
  attrs: z.array(
    z.object({ type: z.number(), communities: z.array(z.number()).optional() }).loose(),
  ),
});
const TABLE = z.record(z.string(), z.array(PATH));

// Types of RFC 8955, section 4.2.2, and of path attributes.
const DESTINATION = 1;
const SOURCE = 2;
const PROTOCOL = 3;
const DESTINATION_PORT = 5;
const COMMUNITIES = 8;

/** Routes with a mark in what `gobgp global rib -j` prints; null where that cannot be read. */
export function parseGobgpTable(text: string, mark: string): readonly BgpRoute[] | null {
  let table: z.infer<typeof TABLE>;
  try {
    table = TABLE.parse(JSON.parse(text));
  } catch {
    // It prints a sentence where a table is empty.
    return /^Network not in table/.test(text) ? [] : null;
  }
  const [as = '0', number = '0'] = mark.split(':');
  const community = Number(as) * 65_536 + Number(number);
  const routes: BgpRoute[] = [];
  for (const { nlri, attrs } of Object.values(table).flat()) {
    const communities = attrs.find(({ type }) => type === COMMUNITIES)?.communities ?? [];
    if (!communities.includes(community)) continue;
    routes.push('prefix' in nlri ? blackhole(nlri.prefix) : flow(nlri.value));
  }
  return routes;
}

const familyOf = (address: string): Family => (address.includes(':') ? '6' : '4');
const addressOf = (prefix: string): string => prefix.split('/', 1)[0]!;

function blackhole(prefix: string): BgpRoute {
  const address = addressOf(prefix);
  return { kind: 'blackhole', family: familyOf(address), address };
}

function flow(parts: readonly z.infer<typeof PART>[]): BgpRoute {
  const address = (type: number): string | null => {
    const value = parts.find((part) => part.type === type)?.value;
    return value !== undefined && 'prefix' in value ? addressOf(value.prefix) : null;
  };
  const number = (type: number): number | null => {
    const value = parts.find((part) => part.type === type)?.value;
    return Array.isArray(value) ? (value[0]?.value ?? null) : null;
  };
  const [source, destination] = [address(SOURCE), address(DESTINATION)];
  return {
    kind: 'flow',
    family: familyOf(source ?? destination ?? ''),
    source,
    destination,
    protocol: number(PROTOCOL),
    destinationPort: number(DESTINATION_PORT),
    // What is done with the traffic does not tell routes apart.
    bytesPerSecond: null,
  };
}
