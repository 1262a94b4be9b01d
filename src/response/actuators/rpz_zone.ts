/**
 * A response policy zone (draft-vixie-dnsop-dns-rpz) as a text file. Each name has two records, for
 * itself and for all below it; the comment behind the first holds the ids of its actions, so that
 * the file alone tells what is sinkholed and why:
 *
 *   bad.example CNAME . ; thymus ID ID
 *   *.bad.example CNAME .
 */

/** Ids of actions for each name. */
export type SinkholedNames = ReadonlyMap<string, readonly string[]>;

export interface ZoneText {
  readonly serial: number;
  readonly names: SinkholedNames;
}

export interface ZoneForm {
  /** Address that names are answered with; null: there is no such name. */
  readonly answer: { readonly type: 'A' | 'AAAA'; readonly address: string } | null;
  /** How long resolvers may keep an answer, seconds. */
  readonly ttlSeconds: number;
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MOST_NAME = 220;

/** A name as the zone writes it; null for what is none, or would sinkhole a whole top level. */
export function zoneName(domain: string): string | null {
  const name = domain.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  if (name.length > MOST_NAME || labels.length < 2) return null;
  return labels.every((label) => LABEL.test(label)) ? name : null;
}

export function zoneText({ serial, names }: ZoneText, { answer, ttlSeconds }: ZoneForm): string {
  const record = answer === null ? 'CNAME .' : `${answer.type} ${answer.address}`;
  const lines = [
    '; Written by thymus, which replaces it as a whole: changes by hand are lost.',
    `$TTL ${ttlSeconds}`,
    `@ SOA localhost. hostmaster.localhost. ${serial} 3600 600 604800 ${ttlSeconds}`,
    '@ NS localhost.',
  ];
  for (const [name, ids] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${name} ${record} ; thymus ${ids.join(' ')}`, `*.${name} ${record}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Reads what zoneText has written; lines of others are left out. */
export function parseZone(text: string): ZoneText {
  const names = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [, name, ids] = /^(\S+) (?:CNAME|A|AAAA) \S+ ; thymus ([0-9a-z -]+)$/.exec(line) ?? [];
    if (name !== undefined) names.set(name, ids!.split(' '));
  }
  const [, serial = '0'] = /^@ SOA \S+ \S+ (\d+) /m.exec(text) ?? [];
  return { serial: Number(serial), names };
}

const SERIALS = 2 ** 32;

/** The next serial number: the time where that is larger, so that a lost file does no harm. */
export const nextSerial = (serial: number, nowSeconds: number): number =>
  Math.max(serial + 1, Math.floor(nowSeconds)) % SERIALS;
