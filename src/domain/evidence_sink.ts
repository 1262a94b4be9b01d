import type { Alarm } from './incident.js';

/** Where a shard's judgement goes: another thread, a file, a test. Calls are synchronous. */
export interface EvidenceSink {
  /** Alarms of one shard come in the order of `compareAlarms`. */
  alarm(alarm: Alarm): void;
}
