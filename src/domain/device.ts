/** By what a device is known, the strongest first. */
export type IdentityKind = 'imsi' | 'dhcp' | 'mac' | 'random_mac' | 'ip';

/** From when to when a device had an address, microseconds; null while it still has it. */
export interface Lease {
  readonly address: string;
  /** Null where there was no tag. */
  readonly vlan: number | null;
  readonly fromUs: number;
  readonly untilUs: number | null;
}

/** What a device offers, as others used it. */
export interface OfferedService {
  /** IP protocol. */
  readonly protocol: number;
  readonly port: number;
  /** Name of the application, "unknown" where none was recognised. */
  readonly app: string;
  readonly flows: number;
  /** Different hosts that used it, at most 256. */
  readonly clients: number;
}

/** A name and how often it was met. */
export interface Counted {
  readonly name: string;
  readonly count: number;
}

/** How much a device sends out of its network in five minutes. */
export interface Upload {
  /** As it was learned, bytes; null before the first whole day. */
  readonly usualBytes: number | null;
  readonly lastDayBytes: number | null;
  /** Days that it was learned in. */
  readonly days: number;
  /** Evidence that it sends more and more, nats: above about 12 it does. */
  readonly driftNats: number;
}

/** A device of the inventory, as it stood at the end of a run. */
export interface DeviceRecord {
  /** Strongest identity, such as "mac 00:16:3e:14:00:05"; one of a kind in the run. */
  readonly id: string;
  readonly kind: IdentityKind;
  /** All that it was known by, the strongest first. */
  readonly identities: readonly string[];
  readonly names: readonly string[];
  readonly leases: readonly Lease[];
  /** What it seems to be, and how sure that is, 0 to 1. */
  readonly class: string;
  readonly confidence: number;
  /** What speaks for the class, the strongest first. */
  readonly because: readonly string[];
  readonly firstSeenUs: number;
  readonly lastSeenUs: number;
  readonly flows: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly services: readonly OfferedService[];
  /** Applications and names that it used, the most used first. */
  readonly apps: readonly Counted[];
  /** Null where it never sent anything out. */
  readonly upload: Upload | null;
  /** Number of its peer group, from 1; null when it is like fewer than two others. */
  readonly group: number | null;
}
