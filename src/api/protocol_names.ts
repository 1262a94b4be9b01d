/** IP protocols by number, as EVE names them. */
const IP_PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'HOPOPT',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'IPv6-ICMP',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
  135: 'Mobility-Header',
  136: 'UDPLite',
  137: 'MPLS-in-IP',
};

export const IpProtocol = { ICMP: 1, TCP: 6, UDP: 17, ESP: 50, ICMP_V6: 58, SCTP: 132 } as const;

/** A protocol without a name is its number in three digits, as EVE has it. */
export function ipProtocolName(protocol: number): string {
  return IP_PROTOCOLS[protocol] ?? String(protocol).padStart(3, '0');
}

export function hasPorts(protocol: number): boolean {
  return (
    protocol === IpProtocol.TCP ||
    protocol === IpProtocol.UDP ||
    protocol === IpProtocol.SCTP ||
    protocol === 136
  );
}

export function isIcmp(protocol: number): boolean {
  return protocol === IpProtocol.ICMP || protocol === IpProtocol.ICMP_V6;
}
