import { OUTSIDE, type SetAttack } from '../attacks/set_attack.js';
import { APP, DNS, FILES, GATEWAY, LAPTOP, LOGIN, OFFICE, WEB, type Host } from '../hosts.js';
import type { HostLine } from './lines.js';

const SERVERS: readonly Host[] = [WEB, LOGIN, FILES, APP, DNS];

/** The own hosts of a capture and the outside ones that an attack involves. */
export function hostLines(more: readonly Host[], attack: SetAttack | null): HostLine[] {
  const outside = attack !== null && involvesOutside(attack);
  return [
    ...[...OFFICE, ...more].map(hostLine),
    { line: 'host', name: LAPTOP.name, kind: 'device', addresses: [], mac: LAPTOP.mac },
    ...(outside ? [outsideLine('outsider', OUTSIDE.address)] : []),
  ];
}

export function outsideLine(name: string, address: string): HostLine {
  return { line: 'host', name, kind: 'outside', addresses: [address], mac: null };
}

export function devicesAmong(hosts: readonly HostLine[]): number {
  return hosts.filter(({ kind }) => kind !== 'outside').length;
}

function hostLine(host: Host): HostLine {
  const kind = host === GATEWAY ? 'gateway' : SERVERS.includes(host) ? 'server' : 'device';
  const { name, address, address6, mac } = host;
  return { line: 'host', name, kind, addresses: [address, address6], mac };
}

function involvesOutside({ attackers, victims }: SetAttack): boolean {
  const { address } = OUTSIDE;
  return victims.includes(address) || attackers.some((each) => each.address === address);
}
