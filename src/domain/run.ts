/** What a run says about itself when it is over. The same for any number of lanes and shards. */
export interface RunSummary {
  readonly packets: number;
  /** Captured bytes of those packets. */
  readonly bytes: number;
  readonly flows: number;
  /** Devices and external hosts that were judged. */
  readonly entities: number;
  /** Packet time of the first and last packet, microseconds since 1970; 0 when there was none. */
  readonly firstPacketUs: number;
  readonly lastPacketUs: number;
  /** True when the run was stopped before its input ended. */
  readonly interrupted: boolean;
  /** Counters of the core that do not depend on lanes and shards, in the order of their list. */
  readonly counters: readonly (readonly [name: string, value: number])[];
  readonly sources: readonly SourceReport[];
}

/** How one capture of the run fared. */
export interface SourceReport {
  readonly path: string;
  readonly kind: 'ok' | 'unreadable' | 'not_a_capture' | 'damaged';
  /** One sentence, null when nothing is wrong. */
  readonly error: string | null;
}
