import { isIP } from 'node:net';

const MOST_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

/** True for an address prefix such as "10.0.0.0/8" or "fc00::/7", or a single address. */
export function isPrefix(text: string): boolean {
  const [address, bits, ...rest] = text.split('/');
  const mostBits = MOST_BITS[isIP(address ?? '')];
  if (mostBits === undefined || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= mostBits);
}
