import type { LaneId } from '../../src/domain/lanes.js';

/** What the evaluation knows of a kind of attack. */
export interface AttackKind {
  readonly title: string;
  /** The lanes that are for it; the figures of a lane are over these kinds and what is benign. */
  readonly lanes: readonly LaneId[];
  /** What really drives it, as features of evidence are named: one of these must be among the first. */
  readonly driver: RegExp;
}

const kind = (title: string, lanes: readonly LaneId[], driver: RegExp): AttackKind => {
  return { title, lanes, driver };
};

const GUESSING = /logins? .*failed|connections? .*(refused|failed)|failed/;

/** By the names that labels use. */
export const ATTACK_KINDS: Readonly<Record<string, AttackKind>> = {
  scan_horizontal: kind('address scan', ['scan_horizontal'], /addresses that did not answer/),
  scan_vertical: kind('port scan', ['scan_vertical'], /ports of .* that did not answer/),
  guessing_ssh: kind('guessing, SSH', ['brute_force'], GUESSING),
  guessing_ftp: kind('guessing, FTP', ['brute_force'], GUESSING),
  guessing_http: kind('guessing, HTTP', ['brute_force'], GUESSING),
  syn_flood: kind('SYN flood', ['syn_flood'], /SYN|request|handshake|connection/i),
  udp_flood: kind('UDP flood', ['volumetric_flood'], /UDP|packets|sources/i),
  slow_http: kind('slow HTTP', ['slow_requests'], /half-open|unfinished|concurrent|never/i),
  exfiltration: kind('exfiltration', ['exfiltration'], /bytes (sent|out)/),
  beacon: kind('beacon', ['beacon'], /regularity|gaps|heartbeat/),
  dns_tunnel: kind('DNS tunnel', ['dns_tunnel'], /questions below|information|names/),
  icmp_tunnel: kind('ICMP tunnel', ['odd_tunnel'], /ping|echo/),
  arp_spoofing: kind('ARP spoofing', ['binding'], /station|claim|address/),
  rogue_dhcp: kind('rogue DHCP', ['binding'], /servers?|routers?/),
  worm: kind('worm', ['worm'], /newly contacted/),
  lateral: kind('lateral movement', ['lateral'], /run .*reached|hosts/),
  mining: kind('mining', ['mining'], /mining/),
  scraping: kind('scraping', ['survey'], /keys|records|numbers/),
  survey: kind('survey', ['survey'], /not there|resources|misses|keys/),
};
