import { BlockList, isIP } from 'node:net';
import { isPrefix } from './prefix.js';

/** A fixed set of addresses, given as prefixes and single addresses. */
export class AddressSet {
  readonly #list = new BlockList();

  /** @param prefixes texts that are no prefix are passed over */
  constructor(prefixes: readonly string[]) {
    for (const text of prefixes) {
      if (!isPrefix(text)) continue;
      const [address = '', bits] = text.split('/');
      const family = familyOf(address);
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  /** False for what is no address. */
  has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address));
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
