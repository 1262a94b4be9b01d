import type { Incident } from '../domain/incident.js';
import type { RecordSink } from './record_sink.js';

/** A sink that hears of incidents only. */
export class IncidentSink implements RecordSink {
  readonly wantsFlows = false;
  readonly wantsEvents = false;
  readonly #tell: (incident: Incident, change: 'opened' | 'final') => void;

  constructor(tell: (incident: Incident, change: 'opened' | 'final') => void) {
    this.#tell = tell;
  }

  onFlow(): void {}

  onEvent(): void {}

  onIncident(incident: Incident, change: 'opened' | 'final'): void {
    this.#tell(incident, change);
  }

  onCaptureError(): void {}

  onSummary(): void {}

  pressure(): null {
    return null;
  }

  async end(): Promise<void> {}
}
