import type { IncidentChange, RecordSink } from '../batch/record_sink.js';
import type { EntityRef } from '../domain/entity.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import type { StreamHub } from './stream_hub.js';

/** Incidents that may still be said to have been merged; the oldest are forgotten above it. */
const MOST_OPEN = 65_536;

/** Says the incidents of a run to a stream, each time that one changes. */
export class VerdictStream implements RecordSink {
  readonly wantsFlows = false;
  readonly wantsEvents = false;
  readonly wantsGrowth = true;
  readonly #hub: StreamHub;
  readonly #open = new Map<string, EntityRef>();
  #nVerdicts = 0;

  constructor(hub: StreamHub) {
    this.#hub = hub;
    hub.publish((cursor) => hub.messages.run(cursor));
  }

  onFlow(): void {}

  onEvent(): void {}

  onIncident(incident: Incident, change: IncidentChange): void {
    this.#hub.publish((cursor) => this.#hub.messages.incident(incident, change, cursor));
    if (change === 'final') {
      this.#open.delete(incident.id);
      this.#nVerdicts++;
    } else {
      this.#open.set(incident.id, incident.entity);
      if (this.#open.size > MOST_OPEN) this.#open.delete(this.#open.keys().next().value!);
    }
  }

  onCaptureError(): void {}

  /** Incidents that have no last state by now were merged into others. */
  onSummary(summary: RunSummary): void {
    const { messages } = this.#hub;
    for (const [id, entity] of this.#open) {
      this.#hub.publish((cursor) => messages.merged(id, entity, cursor));
    }
    this.#hub.publish((cursor) => messages.runEnd(summary, this.#nVerdicts, cursor));
  }

  pressure(): null {
    return null;
  }

  end(): Promise<void> {
    return this.#hub.finish();
  }
}
