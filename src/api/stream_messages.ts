import type { IncidentChange as Change } from '../batch/record_sink.js';
import type { EntityRef } from '../domain/entity.js';
import type { Incident } from '../domain/incident.js';
import type { RunSummary } from '../domain/run.js';
import { actionMessage, type ActionNews } from './action_message.js';
import { thymus } from './gen/verdict.js';
import { entityMessage, runEndMessage, verdictMessage, VERDICT_SCHEMA_VERSION } from './verdict.js';

const { Envelope, IncidentChange } = thymus.v1;

/** What a stream is about. */
export interface StreamSubject {
  readonly engineVersion: string;
  readonly sources: readonly string[];
  /** Null when the run is not kept. */
  readonly runId: string | null;
}

/** The messages of a stream, encoded. */
export class StreamMessages {
  readonly #subject: StreamSubject;

  constructor(subject: StreamSubject) {
    this.#subject = subject;
  }

  run(cursor: string): Uint8Array {
    const { engineVersion, sources, runId } = this.#subject;
    return encode({
      cursor,
      run: {
        engine: 'thymus',
        engineVersion,
        schemaVersion: VERDICT_SCHEMA_VERSION,
        sources: [...sources],
        runId: runId ?? '',
      },
    });
  }

  action(news: ActionNews, cursor: string): Uint8Array {
    return encode({ cursor, action: actionMessage(news) });
  }

  incident(incident: Incident, change: Change, cursor: string): Uint8Array {
    const verdict = { ...verdictMessage(incident), change: CHANGES[change], ...this.#run };
    return encode({ cursor, verdict });
  }

  merged(incidentId: string, entity: EntityRef, cursor: string): Uint8Array {
    const change = IncidentChange.INCIDENT_CHANGE_MERGED;
    const verdict = { incidentId, entity: entityMessage(entity), change, ...this.#run };
    return encode({ cursor, verdict });
  }

  gap(after: string): Uint8Array {
    return encode({ gap: { after, reason: GAP } });
  }

  runEnd(summary: RunSummary, nVerdicts: number, cursor: string): Uint8Array {
    return encode({ cursor, runEnd: runEndMessage(summary, nVerdicts) });
  }

  get #run(): { runId: string } {
    return { runId: this.#subject.runId ?? '' };
  }
}

const CHANGES = {
  opened: IncidentChange.INCIDENT_CHANGE_OPENED,
  grew: IncidentChange.INCIDENT_CHANGE_GREW,
  final: IncidentChange.INCIDENT_CHANGE_FINAL,
} as const satisfies Record<Change, unknown>;

const GAP = 'What came after this cursor is not kept any more; the oldest that is kept follows.';

const encode = (envelope: thymus.v1.Envelope.$Properties): Uint8Array =>
  Envelope.encode(envelope).finish();
