/** An internet checksum after a word that it covers has changed (RFC 1624, equation 3). */
export function updatedChecksum(checksum: number, old: number, now: number): number {
  let sum = (~checksum & 0xffff) + (~old & 0xffff) + now;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
