import { isIP } from 'node:net';

export type Family = '4' | '6';

/** An address as programs of routing and filtering write it. */
export interface Address {
  readonly family: Family;
  readonly text: string;
}

/** @returns null for what is no single address */
export function parseAddress(text: string): Address | null {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 4) return { family: '4', text };
  if (version !== 6) return null;
  const [, tail] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text) ?? [];
  if (tail !== undefined) return { family: '4', text: tail };
  return { family: '6', text: new URL(`http://[${text}]/`).hostname.slice(1, -1) };
}

/** Both ends of something, which have to be of the same IP version. */
export function parsePair(
  from: string,
  to: string,
): { readonly from: Address; readonly to: Address } | null {
  const [first, second] = [parseAddress(from), parseAddress(to)];
  if (first === null || second?.family !== first.family) return null;
  return { from: first, to: second };
}

/** Number of an IP protocol, which needs no list of names on the machine; null: any. */
export function protocolNumber(
  protocol: 'tcp' | 'udp' | 'icmp' | 'any',
  family: Family,
): number | null {
  switch (protocol) {
    case 'tcp':
      return 6;
    case 'udp':
      return 17;
    case 'icmp':
      return family === '4' ? 1 : 58;
    case 'any':
      return null;
  }
}
