import { BlockList, isIPv6 } from 'node:net';

/** Answers that are remembered: a list is asked of each packet. */
const KNOWN_MOST = 65_536;

/** Addresses that belong to prefixes such as 10.0.0.0/8; a plain address is a prefix, too. */
export class Prefixes {
  readonly #list = new BlockList();
  readonly #known = new Map<string, boolean>();

  constructor(prefixes: readonly string[]) {
    for (const prefix of prefixes) {
      const [network, bits] = prefix.split('/') as [string, string?];
      const family = isIPv6(network) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#list.addAddress(network, family);
      else this.#list.addSubnet(network, Number(bits), family);
    }
  }

  has(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const has = this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    if (this.#known.size < KNOWN_MOST) this.#known.set(address, has);
    return has;
  }
}

/** The engine's default of what is inside. */
export const INSIDE = new Prefixes([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]);

const GROUPS = new Prefixes([
  '224.0.0.0/4',
  '255.255.255.255/32',
  '0.0.0.0/8',
  'ff00::/8',
  '::/128',
]);

/** An address that one host can have. */
export const isUnicast = (address: string): boolean => address !== '' && !GROUPS.has(address);
