import type { Family } from './address.js';

/**
 * The table that thymus owns, as nft script. Nothing outside of it is ever touched.
 *
 *   chain entry    hook -> one chain for each IP version
 *   chain judge_4  limits, blocked addresses, blocked edges, held hosts, limits of sources
 *   chain hold_4   allowed edges of held hosts return, all else is dropped
 *   chain s_...    one for each way and rate of limiting sources, made when it is needed
 *
 * All sets are hash sets with a timeout for each element, so that the kernel lets go by itself, and
 * a comment that holds the ids of the actions that an element is there for.
 */

export const TABLE = 'inet thymus';

/** Where packets are judged; `ingress` is before everything else, on the named interfaces. */
export interface NftHook {
  readonly at: 'prerouting' | 'forward' | 'ingress';
  /** Only of `ingress`. */
  readonly devices: readonly string[];
}

const FAMILIES: readonly Family[] = ['4', '6'];

const address = (family: Family): string => `ipv${family}_addr`;
const header = (family: Family): string => (family === '4' ? 'ip' : 'ip6');

const SET_SIZE = 262_144;
const SOURCES_SIZE = 65_536;

/** Sets of an IP version: name without the version, and what an element is made of. */
const SETS = {
  limited: (a: string) => a,
  blocked: (a: string) => a,
  held: (a: string) => a,
  edge_service: (a: string) => `${a} . ${a} . inet_proto . inet_service`,
  edge_protocol: (a: string) => `${a} . ${a} . inet_proto`,
  edge_pair: (a: string) => `${a} . ${a}`,
  allow_service: (a: string) => `${a} . ${a} . inet_proto . inet_service`,
  allow_protocol: (a: string) => `${a} . ${a} . inet_proto`,
  allow_pair: (a: string) => `${a} . ${a}`,
} as const;

/** Maps of a victim's services to the chain that limits each source. */
const MAPS = {
  victim_service: (a: string) => `${a} . inet_proto . inet_service`,
  victim_protocol: (a: string) => `${a} . inet_proto`,
  victim_host: (a: string) => a,
} as const;

export type SetName = keyof typeof SETS;
export type MapName = keyof typeof MAPS;

const NAMES: ReadonlyMap<string, Readonly<Record<Family, string>>> = new Map(
  [...Object.keys(SETS), ...Object.keys(MAPS)].map((name) => [
    name,
    { '4': `${name}_4`, '6': `${name}_6` },
  ]),
);

/** The name of the set or map of an IP version: the same text each time, of which there is one. */
export const nameInTable = (name: SetName | MapName, family: Family): string =>
  NAMES.get(name)![family];

const EDGE_PARTS = {
  service: ['meta l4proto . th dport', 'meta l4proto . th sport'],
  protocol: ['meta l4proto', 'meta l4proto'],
  pair: [null, null],
} as const;

/** Script that makes the table, or brings its chains to what they should be; elements stay. */
export function installScript(hook: NftHook): string {
  return [
    `add table ${TABLE}`,
    ...FAMILIES.flatMap(setsOf),
    ...entryChain(hook),
    ...['judge_4', 'judge_6', 'hold_4', 'hold_6'].flatMap(emptyChain),
    ...FAMILIES.flatMap(rulesOf),
    `add rule ${TABLE} entry meta nfproto vmap { ipv4 : jump judge_4, ipv6 : jump judge_6 }`,
  ].join('; ');
}

/** How many rules the chain has that all others hang on; to see that nobody has flushed it. */
export const ENTRY_RULE = 'jump judge_4';

export const REMOVE_SCRIPT = `add table ${TABLE}; delete table ${TABLE}`;

function setsOf(family: Family): readonly string[] {
  const sets = Object.entries(SETS).map(([name, type]) => {
    // Its elements carry an own limit, which only a dynamic set looks at.
    const flags = name === 'limited' ? 'dynamic, timeout' : 'timeout';
    return `add set ${TABLE} ${name}_${family} { type ${type(address(family))}; flags ${flags}; size ${SET_SIZE}; }`;
  });
  const maps = Object.entries(MAPS).map(
    ([name, type]) =>
      `add map ${TABLE} ${name}_${family} { type ${type(address(family))} : verdict; flags timeout; size ${SET_SIZE}; }`,
  );
  return [...sets, ...maps];
}

const emptyChain = (name: string): readonly string[] => [
  `add chain ${TABLE} ${name}`,
  `flush chain ${TABLE} ${name}`,
];

/** A chain never changes its hook, so that the old one goes. */
const entryChain = (hook: NftHook): readonly string[] => [
  ...emptyChain('entry'),
  `delete chain ${TABLE} entry`,
  `add chain ${TABLE} entry { ${hookText(hook)} }`,
];

function hookText({ at, devices }: NftHook): string {
  const place = {
    // Before connection tracking, so that what is dropped costs little.
    prerouting: 'hook prerouting priority -350',
    forward: 'hook forward priority -10',
    ingress: `hook ingress devices = { ${devices.join(', ')} } priority -500`,
  }[at];
  return `type filter ${place}; policy accept;`;
}

function rulesOf(family: Family): readonly string[] {
  const rule = (chain: string, text: string): string =>
    `add rule ${TABLE} ${chain}_${family} ${text}`;
  const source = `${header(family)} saddr`;
  const destination = `${header(family)} daddr`;
  const eitherEnd = (set: string, verdict: string): readonly string[] => [
    rule('judge', `${source} @${set}_${family} ${verdict}`),
    rule('judge', `${destination} @${set}_${family} ${verdict}`),
  ];
  const edges = (chain: string, prefix: string, verdict: string): readonly string[] =>
    Object.entries(EDGE_PARTS).flatMap(([name, [toService, fromService]]) => [
      rule(chain, edge([source, destination, toService], `${prefix}_${name}`, verdict)),
      rule(chain, edge([destination, source, fromService], `${prefix}_${name}`, verdict)),
    ]);
  const edge = (parts: readonly (string | null)[], set: string, verdict: string): string =>
    `${parts.filter((part) => part !== null).join(' . ')} @${set}_${family} ${verdict}`;
  const neighbours =
    family === '6'
      ? // Without neighbour discovery a host would not come back when it is let go.
        [rule('judge', 'icmpv6 type { 133, 134, 135, 136 } return')]
      : [];
  return [
    ...neighbours,
    ...eitherEnd('limited', 'drop'),
    ...eitherEnd('blocked', 'drop'),
    ...edges('judge', 'edge', 'drop'),
    ...eitherEnd('held', `jump hold_${family}`),
    ...edges('hold', 'allow', 'return'),
    `add rule ${TABLE} hold_${family} drop`,
    rule('judge', `${destination} . meta l4proto . th dport vmap @victim_service_${family}`),
    rule('judge', `${destination} . meta l4proto vmap @victim_protocol_${family}`),
    rule('judge', `${destination} vmap @victim_host_${family}`),
  ];
}

/** How sources of one victim are limited. */
export interface SourceLimit {
  readonly family: Family;
  /** Counts SYN only. */
  readonly synOnly: boolean;
  readonly scope: MapName;
  readonly packetsPerSecond: number;
}

/** Rounded up to two digits, so that there is a bounded number of chains. */
export function roundedRate(perSecond: number): number {
  const rate = Math.min(Math.max(1, Math.ceil(perSecond)), 10_000_000);
  const step = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1);
  return Math.ceil(rate / step) * step;
}

export function limitChain({ family, synOnly, scope, packetsPerSecond }: SourceLimit): string {
  return `s_${scope.slice('victim_'.length)}_${synOnly ? 'syn' : 'all'}_${packetsPerSecond}_${family}`;
}

/** Script that makes the chain of a limit with its set of sources; harmless where it is there. */
export function limitScript(limit: SourceLimit): string {
  const { family, synOnly, scope, packetsPerSecond } = limit;
  const name = limitChain(limit);
  const port = scope === 'victim_service';
  const type = `${address(family)} . ${address(family)}${port ? ' . inet_service' : ''}`;
  const key = `${header(family)} daddr . ${header(family)} saddr${port ? ' . th dport' : ''}`;
  const syn = synOnly ? 'tcp flags & (fin | syn | rst | ack) == syn ' : '';
  return [
    `add set ${TABLE} ${name} { type ${type}; flags dynamic, timeout; timeout 60s; size ${SOURCES_SIZE}; }`,
    `add chain ${TABLE} ${name}`,
    `flush chain ${TABLE} ${name}`,
    `add rule ${TABLE} ${name} ${syn}update @${name} { ${key} limit rate over ${packetsPerSecond}/second burst ${Math.max(5, packetsPerSecond)} packets } drop`,
  ].join('; ');
}
