import { formatAddress } from '../batch/address.js';
import { EventType } from '../batch/generated/event_schema.js';
import { APP_CATEGORIES, APP_NAMES } from '../batch/generated/names.js';
import {
  type EventRowView,
  FlowRoles,
  FlowRowOffset,
  type FlowRowView,
} from '../batch/generated/record_layout.js';
import type { Entity } from '../models/entity_table.js';
import { CertificateReader } from './certificate_reader.js';
import type { Detector, DetectorContext } from './detector.js';
import { FactsState, HardFactDetector } from './hard_fact_detector.js';

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

class CommandChannelDetector extends HardFactDetector<FactsState> {
  readonly memoryVersion = 1;
  readonly eventsOfEnds = [EventType.TLS];
  readonly #options: CommandChannelOptions;
  readonly #certificate = new CertificateReader();

  constructor(slot: number, options: CommandChannelOptions) {
    super({ slot, lane: 'command_channel', makeState: () => new FactsState() });
    this.#options = options;
  }

  onFlow(row: FlowRowView, entity: Entity, context: DetectorContext): void {
    const { app } = row;
    if (!MALWARE.has(app) || !this.isNew(entity, app)) return;
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
    this.tell(fact, entity, context);
  }

  onEvent(event: EventRowView, context: DetectorContext): void {
    if (!(event.roles & FlowRoles.JUDGE_ORIGINATOR)) return;
    const kit = this.#certificate.kitOf(context);
    if (kit === 0) return;
    // The client takes the orders.
    const entity = context.sender();
    if (!this.isNew(entity, KITS_FROM + kit)) return;
    const fact = {
      key: KITS_FROM + kit,
      lnE: this.#options.lnCertificate,
      feature: 'certificates of kits for remote control',
      reasonWith: (other: string) =>
        `spoke TLS with ${other} by a certificate for "${this.#certificate.name}", which a kit for remote control makes`,
    };
    this.tell(this.factOf(event, fact, context), entity, context);
  }
}

export function createCommandChannelDetector(
  slot: number,
  options: Partial<CommandChannelOptions> = {},
): Detector {
  return new CommandChannelDetector(slot, { ...COMMAND_CHANNEL_DEFAULTS, ...options });
}
