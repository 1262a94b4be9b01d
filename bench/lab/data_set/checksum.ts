/** One's complement sum of 16-bit words, folded (RFC 1071); an odd last byte is padded. */
export function foldedSum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! << 8;
  return folded(sum);
}

/** The checksum after a word that it covers has changed (RFC 1624, equation 3). */
export function updatedChecksum(checksum: number, old: number, now: number): number {
  return ~folded((~checksum & 0xffff) + (~old & 0xffff) + now) & 0xffff;
}

function folded(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}
