import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import { ThymusError } from '../errors.js';
import { OutputFile } from '../store/output_file.js';
import { thymus } from './gen/verdict.js';
import { runEndMessage, verdictMessage, VERDICT_SCHEMA_VERSION } from './verdict.js';

const { Envelope, IncidentChange } = thymus.v1;

export interface VerdictFileOptions {
  readonly engineVersion: string;
  readonly sources: readonly string[];
}

/**
 * `--verdicts FILE`: the verdicts of a run as length-delimited protobuf, in the form that
 * proto/verdict.proto describes. Each incident is written once, in its last state.
 */
export class VerdictFile implements RecordSink {
  readonly wantsFlows = false;
  readonly wantsEvents = false;
  readonly #file: OutputFile;
  #nVerdicts = 0;

  /** @throws ThymusError OUTPUT_FAILED */
  constructor(path: string, options: VerdictFileOptions) {
    this.#file = new OutputFile(path);
    this.#write({
      run: {
        engine: 'thymus',
        engineVersion: options.engineVersion,
        schemaVersion: VERDICT_SCHEMA_VERSION,
        sources: [...options.sources],
      },
    });
  }

  onFlow(): void {}

  onEvent(): void {}

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    if (change !== 'final') return;
    this.#write({
      verdict: { ...verdictMessage(incident), change: IncidentChange.INCIDENT_CHANGE_FINAL },
    });
    this.#nVerdicts++;
  }

  onCaptureError(): void {}

  onSummary(summary: RunSummary): void {
    this.#write({ runEnd: runEndMessage(summary, this.#nVerdicts) });
  }

  pressure(): null {
    return null;
  }

  end(): Promise<void> {
    return this.#file.end();
  }

  #write(envelope: thymus.v1.Envelope.$Properties): void {
    this.#file.writeBytes(Envelope.encodeDelimited(envelope).finish());
  }
}

/**
 * Reads what VerdictFile wrote.
 * @throws ThymusError UNREADABLE_INPUT when the bytes are no verdict file or are cut in a message
 */
export function readVerdicts(bytes: Uint8Array): thymus.v1.Envelope[] {
  const envelopes: thymus.v1.Envelope[] = [];
  try {
    let at = 0;
    while (at < bytes.length) {
      const { value, size } = varint(bytes, at);
      at += size;
      if (value > bytes.length - at) throw new RangeError('cut');
      envelopes.push(Envelope.decode(bytes.subarray(at, at + value)));
      at += value;
    }
  } catch (cause) {
    const message = `The verdict file is damaged after ${envelopes.length} messages; write it anew.`;
    throw new ThymusError('UNREADABLE_INPUT', message, { cause });
  }
  return envelopes;
}

function varint(bytes: Uint8Array, at: number): { value: number; size: number } {
  let value = 0;
  for (let size = 0; size < 5; size++) {
    const byte = bytes[at + size];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * size);
    if (byte < 0x80) return { value, size: size + 1 };
  }
  throw new RangeError('not a length');
}
