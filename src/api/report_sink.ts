import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import type { Report } from './text_report.js';

/**
 * Keeps what the report of a run is made from. Its memory is bounded by the incidents, which the
 * false-incident budget and the limits on evidence bound.
 */
export class ReportSink implements RecordSink {
  readonly wantsFlows = false;
  readonly wantsEvents = false;
  readonly #incidents: Incident[] = [];
  #summary: RunSummary | null = null;

  /** Null until the run has given its summary. */
  report(runId: string | null): Report | null {
    const summary = this.#summary;
    return summary === null ? null : { summary, incidents: this.#incidents, runId };
  }

  onFlow(): void {}

  onEvent(): void {}

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    if (change === 'final') this.#incidents.push(incident);
  }

  onCaptureError(): void {}

  onSummary(summary: RunSummary): void {
    this.#summary = summary;
  }

  pressure(): null {
    return null;
  }

  async end(): Promise<void> {}
}
