const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET_BYTES = 14;
const TCP = 6;
const UDP = 17;
const ICMP = 1;

/** Who sent a frame to whom. */
export interface FrameEnds {
  readonly sourceMac: string;
  /** Canonical text; null where the frame has no addresses above the link. */
  readonly source: string | null;
  readonly destination: string | null;
  /** What a new conversation is told by: protocol, addresses and ports. */
  readonly tuple: string;
}

/** Reads Ethernet with IPv4, IPv6 or ARP; of anything else only the link's part. */
export function endsOf(frame: Buffer): FrameEnds {
  const sourceMac = macAt(frame, 6);
  const type = frame.length < ETHERNET_BYTES ? 0 : frame.readUInt16BE(12);
  if (type === ETHERTYPE_IPV4 && frame.length >= 34) return ipv4Ends(frame, sourceMac);
  if (type === ETHERTYPE_IPV6 && frame.length >= 54) return ipv6Ends(frame, sourceMac);
  if (type === ETHERTYPE_ARP && frame.length >= 42) {
    const [source, destination] = [ipv4At(frame, 28), ipv4At(frame, 38)];
    return { sourceMac, source, destination, tuple: `arp ${source} ${destination}` };
  }
  return { sourceMac, source: null, destination: null, tuple: sourceMac };
}

function ipv4Ends(frame: Buffer, sourceMac: string): FrameEnds {
  const [source, destination] = [ipv4At(frame, 26), ipv4At(frame, 30)];
  const headerBytes = (frame[14]! & 15) * 4;
  const isFirst = (frame.readUInt16BE(20) & 0x1fff) === 0;
  const ports = isFirst ? portsAt(frame, frame[23]!, ETHERNET_BYTES + headerBytes) : '';
  return {
    sourceMac,
    source,
    destination,
    tuple: `${frame[23]!} ${source} ${destination}${ports}`,
  };
}

function ipv6Ends(frame: Buffer, sourceMac: string): FrameEnds {
  const [source, destination] = [ipv6At(frame, 22), ipv6At(frame, 38)];
  const ports = portsAt(frame, frame[20]!, 54);
  return {
    sourceMac,
    source,
    destination,
    tuple: `${frame[20]!} ${source} ${destination}${ports}`,
  };
}

/** Of ICMP its identifier, which tells echo conversations apart as ports do. */
function portsAt(frame: Buffer, protocol: number, offset: number): string {
  if (protocol === ICMP && frame.length >= offset + 6) return ` ${frame.readUInt16BE(offset + 4)}`;
  if ((protocol !== TCP && protocol !== UDP) || frame.length < offset + 4) return '';
  return ` ${frame.readUInt16BE(offset)} ${frame.readUInt16BE(offset + 2)}`;
}

function macAt(frame: Buffer, offset: number): string {
  return frame
    .subarray(offset, offset + 6)
    .toString('hex')
    .replace(/..(?!$)/g, '$&:');
}

function ipv4At(frame: Buffer, offset: number): string {
  return frame.subarray(offset, offset + 4).join('.');
}

/** RFC 5952: the longest run of two or more zero groups is left out. */
function ipv6At(frame: Buffer, offset: number): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    frame.readUInt16BE(offset + 2 * i).toString(16),
  );
  const runs = [...groups.join(':').matchAll(/(?<=^|:)0(?::0)+(?=:|$)/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0];
  if (longest === undefined) return groups.join(':');
  const text = groups.join(':');
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}
