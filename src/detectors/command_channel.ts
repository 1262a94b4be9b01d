import { formatAddress } from '../batch/address.js';
import { EventType } from '../batch/generated/event_schema.js';
import { APP_CATEGORIES, APP_NAMES } from '../batch/generated/names.js';
import {
  EventRowOffset,
  type EventRowView,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import { LANE_INDEX, type LaneId } from '../domain/lanes.js';
import type { StateReader } from '../domain/state_reader.js';
import type { StateWriter } from '../domain/state_writer.js';
import type { Entity } from '../models/entity_table.js';
import { CertificateReader } from './certificate_reader.js';
import type { Detector, DetectorContext } from './detector.js';
import { HardFacts } from './hard_facts.js';

/**
 * D12, command channels: a program that takes orders, known by its protocol or by the certificate that
 * its server shows. ATT&CK T1219, T1573.002.
 *
 * Method: hard facts. (a) The recogniser names a protocol that nothing but malware speaks (category
 * malware of native/dpi/apps.def). (b) A TLS server shows a certificate that a kit for remote control
 * makes when nobody tells it another name, or one of the form that kits of this descent make: signed
 * by itself, no more than a name that ends in "Server" or "Server CA", valid to the last second of the
 * year 9999 (.NET's latest date), and the client has asked for no name. Either is worth 21 nats: the
 * base rate is taken to be one device in 50,000 that is used to study malware, once in its life, which
 * is less. A device is told once of each protocol and of each kit.
 *
 * Memory: 0.2 kB an entity that has shown one. Cold start: none. Evasion: another name and date for
 * the certificate, TLS 1.3, which hides it, or an own protocol; for those beacon, fingerprint and
 * new_edge are left.
 */
export interface CommandChannelOptions {
  /** Nats of a protocol, and of a certificate. */
  readonly lnProtocol: number;
  readonly lnCertificate: number;
}

export const COMMAND_CHANNEL_DEFAULTS: CommandChannelOptions = {
  lnProtocol: 21,
  lnCertificate: 21,
};

const MALWARE: ReadonlySet<number> = new Set(
  APP_CATEGORIES.flatMap((category, app) => (category === 'malware' ? [app] : [])),
);

/** Above all numbers of applications: keys of kits. */
const KITS_FROM = 0x10000;

class CommandChannelDetector implements Detector {
  readonly name = 'command_channel';
  readonly memoryVersion = 1;
  readonly lanes: readonly LaneId[] = ['command_channel'];
  readonly eventsOfEnds = [EventType.TLS];
  readonly #options: CommandChannelOptions;
  readonly #facts: HardFacts;
  readonly #certificate = new CertificateReader();

  constructor(slot: number, options: CommandChannelOptions) {
    this.#options = options;
    this.#facts = new HardFacts(slot, LANE_INDEX.command_channel);
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    const { app } = row;
    if (!MALWARE.has(app) || !this.#facts.isNew(entity, app)) return;
    const name = APP_NAMES[app]!;
    const other = formatAddress(row.u8, row.at + FlowRowOffset.respAddr);
    const fact = {
      key: app,
      lnE: this.#options.lnProtocol,
      other,
      t0Us: row.tsFirstUs,
      feature: `flows of ${name}`,
      reason: `spoke ${name}, a protocol of malware, with ${other} port ${row.respPort}`,
      flow: context.flowRef(),
    };
    this.#facts.tell(fact, entity, context);
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_ORIGINATOR)) return;
    const kit = this.#certificate.kitOf(context);
    if (kit === 0) return;
    // The client takes the orders.
    const entity = context.sender();
    if (!this.#facts.isNew(entity, KITS_FROM + kit)) return;
    const other = formatAddress(event.u8, event.at + EventRowOffset.dstAddr);
    const fact = {
      key: KITS_FROM + kit,
      lnE: this.#options.lnCertificate,
      other,
      t0Us: event.tsUs,
      feature: 'certificates of kits for remote control',
      reason: `spoke TLS with ${other} by a certificate for "${this.#certificate.name}", which a kit for remote control makes`,
      flow: context.flowRef(),
    };
    this.#facts.tell(fact, entity, context);
  }

  describe(entity: Entity): string {
    return this.#facts.describe(entity);
  }

  saveEntity(entity: Entity, out: StateWriter): void {
    this.#facts.save(entity, out);
  }

  restoreEntity(entity: Entity, from: StateReader): void {
    this.#facts.restore(entity, from);
  }
}

export function createCommandChannelDetector(
  slot: number,
  options: Partial<CommandChannelOptions> = {},
): Detector {
  return new CommandChannelDetector(slot, { ...COMMAND_CHANNEL_DEFAULTS, ...options });
}
