import { frameOf, packetAt, type Packet } from '../pcap_file.js';
import { Random } from '../random.js';
import { devicesAmong, outsideLine } from './host_lines.js';
import { incidentLines, type IncidentFacts } from './label_lines.js';
import type { CaptureLine, HostLine, IncidentLine } from './lines.js';
import type { Overlaying } from './plan.js';
import { readdressed, type Renaming } from './readdress.js';
import { retimed, type Retiming } from './retime.js';
import type { CaptureFacts, DataSet } from './store.js';

/** Delays of machines stay as they are; only pauses are stretched. */
const KEEP_US = 20_000;
const STRETCHES = { low: 0.8, high: 1.25 };
/** The attack begins within these shares of the benign capture's time. */
const BEGINS = { earliest: 0.2, latest: 0.6 };
/** What would come later than so long before the end of the benign capture is left out. */
const QUIET_END_US = 2_000_000;
/** For outside hosts: documentation addresses that nothing else of the lab uses. */
const OUTSIDE_PREFIX = '203.0.113';

/** Lays the attack of a recorded capture, with other times and addresses, over a benign one. */
export function overlay(overlaying: Overlaying, set: DataSet): void {
  const random = new Random(overlaying.seed, overlaying.name);
  const taken = attackOf(overlaying.recording.name, set);
  const stretch = overlaying.stretch * random.between(STRETCHES.low, STRETCHES.high);
  const base = baseFor(overlaying, { set, random, seconds: secondsOf(taken) * stretch });
  const labels = set.labels(base.name);
  const hosts = labels.filter((line) => line.line === 'host');
  const renaming = renamingFor(taken.incident, hosts, random);
  const begin = random.between(BEGINS.earliest, BEGINS.latest);
  const startUs = base.firstPacketUs + begin * (base.lastPacketUs - base.firstPacketUs);
  const laid = relaid(taken, { startUs, stretch, keepUs: KEEP_US }, renaming).filter(
    ({ timeUs }) => timeUs < base.lastPacketUs - QUIET_END_US,
  );
  const { packets, positions } = merged(set.packets(base.name), laid);
  const incident = { ...taken.incident, intensity: overlaying.intensity };
  set.add(factsOf(overlaying, base, hosts), packets, [
    ...hosts,
    ...outsideLines(taken.hosts, renaming),
    ...labels.filter(({ line }) => line === 'benign'),
    ...incidentLines(renamed(incident, renaming), packets, positions),
  ]);
}

function relaid({ packets }: TakenAttack, retiming: Retiming, renaming: Renaming): Packet[] {
  const timesUs = retimed(
    packets.map(({ timeUs }) => timeUs),
    retiming,
  );
  return packets.map((packet, i) => packetAt(timesUs[i]!, readdressed(frameOf(packet), renaming)));
}

/** Two runs of packets in time order as one, and where those of the second came to lie. */
export function merged(
  below: readonly Packet[],
  above: readonly Packet[],
): { readonly packets: Packet[]; readonly positions: number[] } {
  const packets: Packet[] = [];
  const positions: number[] = [];
  let next = 0;
  for (const packet of above) {
    while (next < below.length && below[next]!.timeUs <= packet.timeUs)
      packets.push(below[next++]!);
    positions.push(packets.length);
    packets.push(packet);
  }
  for (; next < below.length; next++) packets.push(below[next]!);
  return { packets, positions };
}

/** One of the same split that has room for the attack, else the longest. */
function baseFor(
  { recording }: Overlaying,
  choice: { readonly set: DataSet; readonly random: Random; readonly seconds: number },
): CaptureLine {
  const { split } = recording;
  const bases = choice.set.captures.filter(
    (each) => each.role === 'benign' && each.split === split,
  );
  const lengthUs = (each: CaptureLine): number => each.lastPacketUs - each.firstPacketUs;
  const roomy = bases.filter((each) => choice.seconds * 1e6 < (1 - BEGINS.latest) * lengthUs(each));
  if (roomy.length > 0) return choice.random.pick(roomy);
  const longest = [...bases].sort((a, b) => lengthUs(b) - lengthUs(a))[0];
  if (longest === undefined) throw new Error(`There is no benign capture to ${split} with.`);
  return longest;
}

interface TakenAttack {
  readonly incident: IncidentLine;
  readonly hosts: readonly HostLine[];
  readonly packets: readonly Packet[];
}

function secondsOf({ incident }: TakenAttack): number {
  return (incident.endUs - incident.onsetUs) / 1e6;
}

function attackOf(name: string, set: DataSet): TakenAttack {
  const labels = set.labels(name);
  const all = set.packets(name);
  const packets = labels
    .filter((line) => line.line === 'packets')
    .flatMap(({ ranges }) => ranges.flatMap(([first, last]) => all.slice(first, last + 1)));
  return {
    incident: labels.find((line) => line.line === 'incident')!,
    hosts: labels.filter((line) => line.line === 'host'),
    packets,
  };
}

/** A lone attacker becomes another device of the capture, and who is outside another outsider. */
export function renamingFor(
  { attackers, entities }: IncidentLine,
  hosts: readonly HostLine[],
  random: Random,
): Renaming {
  const addresses = new Map<string, string>();
  const macs = new Map<string, string>();
  for (const entity of entities) {
    if (!hosts.some((host) => host.addresses.includes(entity))) {
      addresses.set(entity, `${OUTSIDE_PREFIX}.${random.integer(70, 250)}`);
    }
  }
  const attacker = hosts.find(
    ({ kind, addresses: own }) => kind === 'device' && own.includes(attackers[0]!),
  );
  if (attackers.length === 1 && attacker !== undefined) {
    const others = hosts.filter((host) => canBecome(host, entities));
    const other = random.pick(others);
    addresses.set(attackers[0]!, other.addresses[0]!);
    macs.set(attacker.mac!, other.mac!);
  }
  return { addresses, macs };
}

function canBecome({ kind, addresses }: HostLine, entities: readonly string[]): boolean {
  const isFree = addresses.every((address) => !entities.includes(address));
  return kind === 'device' && addresses.length > 0 && isFree;
}

function renamed(incident: IncidentLine, { addresses, macs }: Renaming): IncidentFacts {
  const { incident: id, kind, stage, technique, techniqueName, intensity, tool, split } = incident;
  const other = (address: string): string => addresses.get(address) ?? address;
  return {
    incident: id,
    ...{ kind, stage, technique, techniqueName, intensity, tool, split },
    attackers: incident.attackers.map(other),
    attackerMacs: incident.attackerMacs.map((mac) => macs.get(mac) ?? mac),
    victims: incident.victims.map(other),
  };
}

function outsideLines(hosts: readonly HostLine[], { addresses }: Renaming): HostLine[] {
  return hosts
    .filter(({ kind }) => kind === 'outside')
    .map((host) => outsideLine(host.name, addresses.get(host.addresses[0]!) ?? host.addresses[0]!));
}

function factsOf(
  { name, recording, seed }: Overlaying,
  base: CaptureLine,
  hosts: readonly HostLine[],
): CaptureFacts {
  return {
    name,
    role: 'attack',
    split: recording.split,
    origin: 'overlay',
    seed,
    acceleration: base.acceleration,
    base: base.name,
    recording: recording.name,
    devices: devicesAmong(hosts),
  };
}
