import type { EventRowView, FlowRowView } from '../batch/generated/record_layout.js';
import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary, SourceReport } from '../domain/run.js';
import { OutputFile } from '../store/output_file.js';
import { AddressText } from './address_text.js';
import { CommunityIds } from './community_ids.js';
import { eventLine } from './eve_event.js';
import { flowLine } from './eve_flow.js';
import { incidentLine } from './eve_incident.js';
import type { ProposalsOf } from './text_report.js';
import { eveTime } from './time_text.js';

export interface EveFileOptions {
  /**
   * Somebody reads along: lines leave at once, an existing file is continued, and an incident is
   * written when it opens and again in its last state. Default false.
   */
  readonly isLive?: boolean;
  /** What a dry run would have proposed about an incident; absent: there is none. */
  readonly proposalsOf?: ProposalsOf | undefined;
}

/**
 * `--eve FILE`: what a run saw and found, one JSON object a line, in the form of Suricata 8's EVE, so
 * that tools which read EVE read this. Event types: `flow` at the end of each flow, the protocols'
 * events and `anomaly` as they happen, `incident` (each once, in its last state), `capture_error`,
 * and `stats` as the last line.
 */
export class EveFile implements RecordSink {
  readonly wantsFlows = true;
  readonly wantsEvents = true;
  readonly #file: OutputFile;
  readonly #isLive: boolean;
  readonly #proposalsOf: EveFileOptions['proposalsOf'];
  readonly #addresses = new AddressText();
  readonly #communityIds = new CommunityIds();

  /**
   * @param path "-" is standard output
   * @throws ThymusError OUTPUT_FAILED
   */
  constructor(path: string, { isLive = false, proposalsOf }: EveFileOptions = {}) {
    this.#file = new OutputFile(path, { append: isLive });
    this.#isLive = isLive;
    this.#proposalsOf = proposalsOf;
  }

  onFlow(row: FlowRowView, detail: Uint8Array): void {
    this.#file.writeText(flowLine(row, asBuffer(detail), this.#addresses));
  }

  onEvent(row: EventRowView, body: Uint8Array): void {
    const line = eventLine(row, asBuffer(body), this.#addresses, this.#communityIds);
    this.#file.writeText(line);
  }

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    if (change !== 'final' && !this.#isLive) return;
    this.#file.writeText(incidentLine(incident, this.#proposalsOf?.(incident.id)));
    if (this.#isLive) this.#file.flush();
  }

  onCaptureError(source: SourceReport, atUs: number): void {
    const { path, kind, error } = source;
    const event = {
      timestamp: eveTime(atUs),
      event_type: 'capture_error',
      capture_error: { file: path, kind, message: error },
    };
    this.#file.writeText(`${JSON.stringify(event)}\n`);
  }

  onSummary(summary: RunSummary): void {
    this.#file.writeText(statsLine(summary));
  }

  pressure(): null {
    if (this.#isLive) this.#file.flush();
    return null;
  }

  /** The file was moved away: goes on in a new one. */
  reopen(): void {
    this.#file.reopen();
  }

  end(): Promise<void> {
    return this.#file.end();
  }
}

function statsLine(summary: RunSummary): string {
  const spanUs = summary.lastPacketUs - summary.firstPacketUs;
  const event = {
    timestamp: eveTime(summary.lastPacketUs),
    event_type: 'stats',
    stats: {
      uptime: Math.floor(spanUs / 1e6),
      decoder: { pkts: summary.packets, bytes: summary.bytes },
      flow: { total: summary.flows },
      thymus: {
        entities: summary.entities,
        interrupted: summary.interrupted,
        counters: Object.fromEntries(summary.counters),
      },
    },
  };
  return `${JSON.stringify(event)}\n`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
