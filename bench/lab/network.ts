import { mkdirSync } from 'node:fs';
import { BRANCH_PREFIX, GATEWAY, LAPTOP, OFFICE, OFFICE_PREFIX, SITES } from './hosts.js';
import type { Host, Site } from './hosts.js';
import { inside, sh } from './shell.js';

/** Every frame between two hosts of the office passes here once. */
export const SWITCH = 'br0';

/**
 * Builds the office in the network namespace it is called in, which becomes the switch. That
 * namespace must be a fresh one, with a mount namespace of its own.
 *
 * @param more devices besides those that every office has
 */
export function buildNetwork(more: readonly Host[] = []): void {
  sh('mount -t tmpfs tmpfs /run');
  mkdirSync('/run/netns');
  // A bridge in promiscuous mode hands up each frame that it forwards: a mirror port.
  sh(`ip link add ${SWITCH} type bridge stp_state 0 mcast_snooping 0`);
  sh(`sysctl -qw net.ipv6.conf.${SWITCH}.disable_ipv6=1`);
  sh(`ip link set ${SWITCH} up promisc on`);
  for (const host of [...OFFICE, ...more, LAPTOP]) plugIn(host);
  for (const site of SITES) addSite(site);
  makeGateway();
  for (const host of [...OFFICE, ...more]) configure(host);
}

function plugIn(host: { readonly name: string; readonly mac: string }): void {
  const port = `port-${host.name}`;
  sh(`ip netns add ${host.name}`);
  sh(`ip link add ${port} type veth peer name eth0 netns ${host.name}`);
  sh(`sysctl -qw net.ipv6.conf.${port}.disable_ipv6=1`);
  sh(withoutOffloads(port));
  sh(`ip link set ${port} master ${SWITCH} up`);
  at(host.name, `ip link set eth0 address ${host.mac}`);
  at(host.name, withoutOffloads('eth0'));
  at(host.name, 'ip link set lo up');
}

/** So that frames have the size and the checksums they would have on a wire. */
function withoutOffloads(device: string): string {
  return `ethtool -K ${device} rx off tx off sg off tso off gso off gro off`;
}

function configure(host: Host): void {
  at(host.name, 'ip link set eth0 up');
  at(host.name, `ip addr add ${host.address}/24 dev eth0`);
  at(host.name, `ip addr add ${host.address6}/64 dev eth0 nodad`);
  if (host === GATEWAY) return;
  at(host.name, `ip route add default via ${GATEWAY.address}`);
  at(host.name, `ip -6 route add default via ${GATEWAY.address6}`);
}

function addSite(site: Site): void {
  const link = `to-${site.name}`;
  sh(`ip netns add ${site.name}`);
  sh(`ip link add ${link} netns ${GATEWAY.name} type veth peer name eth0 netns ${site.name}`);
  at(GATEWAY.name, withoutOffloads(link));
  at(site.name, withoutOffloads('eth0'));
  at(site.name, 'ip link set lo up');
  at(site.name, 'ip link set eth0 up');
  at(GATEWAY.name, `ip link set ${link} up`);
  at(GATEWAY.name, `ip addr add ${site.gatewayEnd} dev ${link}`);
  at(site.name, `ip addr add ${site.siteEnd} dev eth0`);
  at(site.name, `ip route add default via ${bare(site.gatewayEnd)}`);
  for (const prefix of site.prefixes.filter((each) => !each.includes(':'))) {
    at(site.name, `ip route add local ${prefix} dev lo`);
  }
  if (site.siteEnd6 !== undefined) addSite6(site, link);
}

function addSite6(site: Site, link: string): void {
  at(GATEWAY.name, `ip addr add ${site.gatewayEnd6!} dev ${link} nodad`);
  at(site.name, `ip addr add ${site.siteEnd6!} dev eth0 nodad`);
  at(site.name, `ip -6 route add default via ${bare(site.gatewayEnd6!)}`);
  for (const prefix of site.prefixes.filter((each) => each.includes(':'))) {
    at(site.name, `ip -6 route add local ${prefix} dev lo`);
  }
}

/** What no site has goes to the internet, and the internet keeps it: nothing is routed back. */
function makeGateway(): void {
  const internet = SITES.find((site) => site.name === 'internet')!;
  at(GATEWAY.name, 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
  at(GATEWAY.name, 'sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0');
  at(GATEWAY.name, `ip route add default via ${bare(internet.siteEnd)}`);
  at(GATEWAY.name, `ip -6 route add default via ${bare(internet.siteEnd6!)}`);
  at('internet', 'ip route del default');
  for (const prefix of [OFFICE_PREFIX, BRANCH_PREFIX]) {
    at('internet', `ip route add ${prefix} via ${bare(internet.gatewayEnd)}`);
  }
}

function at(host: string, line: string): void {
  sh(inside(host, [line]).join(' '));
}

function bare(address: string): string {
  return address.split('/')[0]!;
}
