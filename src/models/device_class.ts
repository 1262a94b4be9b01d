import type { Device } from './device_table.js';

/** A guess of what a device is. */
export interface ClassGuess {
  readonly name: string;
  /** Posterior probability among all classes, 0 to 1. */
  readonly confidence: number;
  /** What speaks for it, the strongest first. */
  readonly because: readonly string[];
}

/** Of each class before anything is known, relative to the others. */
const PRIORS: Readonly<Record<string, number>> = {
  computer: 4,
  server: 2,
  phone: 2,
  router: 0.5,
  printer: 0.5,
  camera: 0.5,
  'media player': 0.5,
  'voice phone': 0.3,
  storage: 0.3,
  controller: 0.2,
  'small device': 1,
};

/** One thing that speaks for a class, and by how many nats. */
interface Clue {
  readonly of: string;
  readonly nats: number;
  readonly because: string;
}

/** A pattern of a hint ("KIND TEXT", see models/device_table.ts) and what it speaks for. */
type HintRule = readonly [pattern: RegExp, of: string, nats: number, because: string];

const HINT_RULES: readonly HintRule[] = [
  [/^dhcp MSFT/, 'computer', 3, 'asks DHCP as Windows does'],
  [/^dhcp android-dhcp/, 'phone', 4, 'asks DHCP as Android does'],
  [/^dhcp (udhcp|busybox)/i, 'small device', 1.5, 'asks DHCP as BusyBox does'],
  [/^dhcp .*(yealink|polycom|cisco.*phone|snom|grandstream)/i, 'voice phone', 5, 'names itself so'],
  [/^dhcp .*(printer|jetdirect|laserjet)/i, 'printer', 5, 'names itself so'],
  [/^agent .*Windows NT/, 'computer', 3, 'has programs of Windows'],
  [/^agent .*(Macintosh|X11; Linux|X11; CrOS)/, 'computer', 3, 'has programs of a desktop'],
  [/^agent .*(Android|iPhone|iPad)/, 'phone', 3.5, 'has programs of a phone or tablet'],
  [
    /^agent .*(SmartTV|SMART-TV|AppleTV|Roku|BRAVIA|CrKey)/,
    'media player',
    4,
    'has programs of one',
  ],
  [/^mdns _(ipp|ipps|printer|pdl-datastream|uscan|scanner)\._tcp/, 'printer', 4, 'offers printing'],
  [/^mdns _(googlecast|airplay|raop|spotify-connect)\._tcp/, 'media player', 3, 'offers playing'],
  [/^mdns _(afpovertcp|adisk|nfs)\._tcp/, 'storage', 2.5, 'offers files'],
  [/^mdns _(hap|matter|matterc)\._(tcp|udp)/, 'small device', 3, 'offers home automation'],
  [/^mdns _(companion-link|apple-mobdev2)\._tcp/, 'phone', 1.5, 'offers what phones do'],
  [/^mdns _workstation\._tcp/, 'computer', 2, 'names itself a workstation'],
  [/^mdns _(axis-video|rtsp)\._tcp/, 'camera', 4, 'offers video'],
  [/^ssdp .*(MediaRenderer|dial-multiscreen)/, 'media player', 3, 'offers playing'],
  [
    /^ssdp .*(InternetGatewayDevice|WANDevice|WLANAccessPoint)/,
    'router',
    4,
    'names itself a gateway',
  ],
  [/^ssdp .*(MediaServer)/, 'storage', 2, 'offers media'],
  [/^ssdp .*(Printer)/, 'printer', 4, 'offers printing'],
  [/^ssdp .*(hue|Basic:1)/i, 'small device', 2, 'names itself so'],
  [/^syn mss,nop,ws,nop,nop,sok/, 'computer', 1.5, 'opens connections as Windows does'],
  [/^syn mss,nop,ws,nop,nop,ts,sok/, 'computer', 0.7, 'opens connections as Apple systems do'],
  [/^syn mss$/, 'small device', 2, 'opens connections as small systems do'],
  [/^role gateway/, 'router', 6, 'is the way out for others'],
  [/^role dhcp server/, 'router', 1.5, 'gives addresses to others'],
];

/** Ports of services, and what offering them speaks for. */
const SERVICE_RULES: ReadonlyMap<number, readonly [of: string, nats: number, what: string]> =
  new Map([
    [9100, ['printer', 4, 'raw printing']],
    [515, ['printer', 3.5, 'printing']],
    [631, ['printer', 2.5, 'IPP']],
    [554, ['camera', 3, 'RTSP video']],
    [37777, ['camera', 4, 'camera control']],
    [5060, ['voice phone', 1.5, 'SIP']],
    [445, ['storage', 1, 'SMB']],
    [2049, ['storage', 2, 'NFS']],
    [548, ['storage', 2.5, 'AFP']],
    [3260, ['storage', 3, 'iSCSI']],
    [502, ['controller', 4, 'Modbus']],
    [102, ['controller', 4, 'S7 or MMS']],
    [44818, ['controller', 4, 'EtherNet/IP']],
    [20000, ['controller', 4, 'DNP3']],
    [2404, ['controller', 4, 'IEC 104']],
    [47808, ['controller', 3, 'BACnet']],
    [53, ['server', 1.5, 'DNS']],
    [88, ['server', 3, 'Kerberos']],
    [389, ['server', 2.5, 'LDAP']],
    [25, ['server', 2.5, 'SMTP']],
    [3306, ['server', 2.5, 'MySQL']],
    [5432, ['server', 2.5, 'PostgreSQL']],
  ]);

/** Clients from which on a service is one for many. */
const MANY_CLIENTS = 3;

/**
 * What a device is, by how its system and its programs present themselves and by what it offers.
 *
 * Each clue is worth nats for one class, as a person would weigh them; confidence is what Bayes'
 * rule makes of their sum, as if clues did not depend on each other, which makes it too sure where
 * there are many. Makers of hardware addresses are not among the clues: there is no table of them
 * whose licence lets it be shipped.
 */
export function guessClass(device: Device): ClassGuess {
  const clues = [...hintClues(device), ...serviceClues(device)];
  if (clues.length === 0) return { name: 'unknown', confidence: 0, because: [] };
  const scores = Object.entries(PRIORS).map(([name, prior]) => {
    const nats = clues.reduce((sum, clue) => (clue.of === name ? sum + clue.nats : sum), 0);
    return { name, weight: prior * Math.exp(nats) };
  });
  const total = scores.reduce((sum, { weight }) => sum + weight, 0);
  const best = scores.reduce((a, b) => (b.weight > a.weight ? b : a));
  const own = clues.filter((clue) => clue.of === best.name).sort((a, b) => b.nats - a.nats);
  return {
    name: best.name,
    confidence: best.weight / total,
    because: [...new Set(own.map((clue) => clue.because))],
  };
}

/** Each rule once, however often its hint was met. */
function hintClues(device: Device): Clue[] {
  const hints = [...device.hints.entries()].map(([hint]) => hint);
  return HINT_RULES.flatMap(([pattern, of, nats, because]) =>
    hints.some((hint) => pattern.test(hint)) ? [{ of, nats, because }] : [],
  );
}

function serviceClues(device: Device): Clue[] {
  const clues: Clue[] = [];
  let busiest = 0;
  for (const { port, clients } of device.services.values()) {
    busiest = Math.max(busiest, clients.size);
    const rule = SERVICE_RULES.get(port);
    if (rule === undefined) continue;
    const [of, nats, what] = rule;
    clues.push({ of, nats, because: `offers ${what} on port ${port}` });
  }
  if (busiest >= MANY_CLIENTS) {
    const because = `serves ${busiest} clients`;
    clues.push({ of: 'server', nats: Math.min(3, Math.log(busiest)), because });
  }
  return clues;
}
