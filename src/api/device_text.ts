import type { DeviceRecord, Lease } from '../domain/device.js';
import { ipProtocolName } from './protocol_names.js';
import { fitted, type Look } from './text_layout.js';
import { plainTime } from './time_text.js';

const ADDRESS_COLUMNS = 16;
const NAME_COLUMNS = 18;
const CLASS_COLUMNS = 20;
const GROUP_COLUMNS = 6;
const SERVICES_SHOWN = 6;

/** A table of devices: where each is, what it is called, what it seems to be and offers. */
export function deviceListText(devices: readonly DeviceRecord[], run: string, look: Look): string {
  const { ink, width } = look;
  if (devices.length === 0) return `Run ${run} saw no device of this network.\n`;
  const fixed = ADDRESS_COLUMNS + NAME_COLUMNS + CLASS_COLUMNS + GROUP_COLUMNS + 4;
  const row = (cells: readonly [string, string, string, string, string]): string => {
    const [address, name, kind, group, offers] = cells;
    const columns = [
      fitted(address, ADDRESS_COLUMNS).padEnd(ADDRESS_COLUMNS),
      fitted(name, NAME_COLUMNS).padEnd(NAME_COLUMNS),
      fitted(kind, CLASS_COLUMNS).padEnd(CLASS_COLUMNS),
      group.padStart(GROUP_COLUMNS),
      fitted(offers, Math.max(8, width - fixed)),
    ];
    return columns.join(' ').trimEnd();
  };
  const lines = [
    `${devices.length} ${devices.length === 1 ? 'device' : 'devices'} in run ${run}`,
    '',
    ink.bold(row(['ADDRESS', 'NAME', 'SEEMS TO BE', 'GROUP', 'OFFERS'])),
    ...devices.map((device) =>
      row([addressOf(device), nameOf(device), classOf(device), groupOf(device), offersOf(device)]),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** Everything about one device. */
export function deviceText(device: DeviceRecord): string {
  const { leases, services, apps, because, identities, names } = device;
  const lines = [
    device.id,
    '',
    `Known by   ${identities.join(', ')}`,
    ...(names.length > 0 ? [`Called     ${names.join(', ')}`] : []),
    `Seen       ${plainTime(device.firstSeenUs)} to ${plainTime(device.lastSeenUs)} UTC`,
    `Seems to be ${classOf(device)}${because.length > 0 ? `: ${because.join('; ')}` : ''}`,
    `Peer group ${device.group ?? 'none'}`,
    `Traffic    ${device.flows.toLocaleString('en-US')} flows, ` +
      `${device.bytesOut.toLocaleString('en-US')} bytes out, ` +
      `${device.bytesIn.toLocaleString('en-US')} in`,
    ...uploadLines(device),
    ...listed('Addresses', leases.map(leaseText)),
    ...listed(
      'Offers',
      services.map(
        ({ protocol, port, app, clients, flows }) =>
          `${ipProtocolName(protocol)} port ${port} (${app}), ${clients} clients, ${flows} flows`,
      ),
    ),
    ...listed(
      'Uses',
      apps.map(({ name, count }) => `${name}, ${count} flows`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** From when on evidence of growth is worth a word, nats. */
const DRIFT_LEAST = 12;

function uploadLines({ upload }: DeviceRecord): string[] {
  if (upload === null || upload.usualBytes === null || upload.lastDayBytes === null) return [];
  const { usualBytes, lastDayBytes, days, driftNats } = upload;
  const grows = driftNats >= DRIFT_LEAST ? '; it sends more and more' : '';
  return [
    `Sends      ${usualBytes.toLocaleString('en-US')} bytes out in five minutes by ${days} days, ` +
      `${lastDayBytes.toLocaleString('en-US')} on the last${grows}`,
  ];
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function leaseText({ address, vlan, fromUs, untilUs }: Lease): string {
  const where = vlan === null ? address : `${address} in VLAN ${vlan}`;
  const until = untilUs === null ? '' : ` until ${plainTime(untilUs)}`;
  return `${where} since ${plainTime(fromUs)}${until}`;
}

/** The one that it has now, those of IPv4 first. */
function addressOf({ leases, id }: DeviceRecord): string {
  const isIpv4 = ({ address }: Lease): boolean => !address.includes(':');
  const lease = leases.findLast(isIpv4) ?? leases.at(-1);
  return lease?.address ?? id.split(' ').at(-1)!;
}

const nameOf = ({ names, identities }: DeviceRecord): string =>
  names[0] ?? identities.find((text) => text.startsWith('mac '))?.slice(4) ?? '';

function classOf({ class: name, confidence }: DeviceRecord): string {
  return confidence === 0 ? name : `${name}, ${Math.round(100 * confidence)} %`;
}

const groupOf = ({ group }: DeviceRecord): string => (group === null ? '-' : String(group));

function offersOf({ services }: DeviceRecord): string {
  const texts = services.map(({ app, port }) => (app === 'unknown' ? `${port}` : `${app} ${port}`));
  const more = texts.length > SERVICES_SHOWN ? ', …' : '';
  return texts.slice(0, SERVICES_SHOWN).join(', ') + more;
}
