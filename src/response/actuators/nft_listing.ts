import type { NftElement } from './nft_elements.js';

export interface ListedElement {
  readonly element: NftElement;
  readonly ids: readonly string[];
  readonly expiresMs: number;
}

// KEY [limit ...] timeout T [expires T] comment "IDS" [: jump CHAIN]
const ELEMENT =
  /([^\s,{}"][^,{}"]*?)( limit rate over [^,"{}]*?)? timeout (\S+)(?: expires (\S+))? comment "([^"]*)"( : jump \w+)?/g;
const BLOCK = /^\t(?:set|map) (\w+) \{\n([\s\S]*?)^\t\}$/gm;

/** Reads what `nft -n list table` prints: its elements with their owners. */
export function parseListing(text: string): readonly ListedElement[] {
  const listed: ListedElement[] = [];
  for (const [, set, body] of text.matchAll(BLOCK)) {
    const start = body!.indexOf('elements = {');
    if (start < 0) continue;
    for (const match of body!.slice(start + 'elements = {'.length).matchAll(ELEMENT)) {
      const [, key, limit = '', timeout, expires, ids, target = ''] = match;
      listed.push({
        element: { set: set!, key: key!, limit, target, needs: '' },
        ids: ids!.split(' '),
        expiresMs: parseDuration(expires ?? timeout!),
      });
    }
  }
  return listed;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** A duration such as 1d2h3m4s500ms. */
export function parseDuration(text: string): number {
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    sum += Number(number) * UNIT_MS[unit!]!;
  }
  return sum;
}
