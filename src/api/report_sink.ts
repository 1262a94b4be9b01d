import type { RecordSink } from '../batch/record_sink.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import type { ProposalsOf, Report } from './text_report.js';

/**
 * Keeps what the report of a run is made from. Its memory is bounded by the incidents, which the
 * false-incident budget and the limits on evidence bound.
 */
export class ReportSink implements RecordSink {
  readonly wantsFlows = false;
  readonly wantsEvents = false;
  readonly #incidents: Incident[] = [];
  readonly #proposalsOf: ProposalsOf | null;
  #summary: RunSummary | null = null;

  /** @param proposalsOf null where nothing is proposed */
  constructor(proposalsOf: ProposalsOf | null = null) {
    this.#proposalsOf = proposalsOf;
  }

  /** Null until the run has given its summary. */
  report(runId: string | null): Report | null {
    const summary = this.#summary;
    if (summary === null) return null;
    const report = { summary, incidents: this.#incidents, runId };
    return this.#proposalsOf === null ? report : { ...report, proposalsOf: this.#proposalsOf };
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
