import type {
  ResetInjectorOptions,
  ResetInjectorState,
  ResetTarget,
} from '../response/actuators/reset_injector.js';

/** What the native core offers. Arguments are checked by `engine/binding.ts` before they get here. */
export interface Addon {
  /** Hash of the record and event lists the addon was built with. */
  layoutHash(): number;
  /**
   * Opens the sources and starts the reader and the lanes.
   * Sources that cannot be opened are reported by `stats().sources`; the others run.
   * @returns handle, valid process-wide until `close`
   */
  open(options: NativeOptions): number;
  /**
   * Copies whole batches of one queue into `buffer`, one after the other, each as
   * native/emit/record.def describes, starting at multiples of 64.
   * Blocks up to `timeoutMs`. Queue `i` is shard i; queue number `shards` is the publish queue.
   * A lane that has to wait, for input or for a full queue, first hands over all its partial
   * batches, so that the watermark of one queue never waits for the consumer of another.
   * @returns bytes written; 0 when the time ran out; -1 when the run has ended
   */
  drain(handle: number, queue: number, buffer: Uint8Array, timeoutMs: number): number;
  stats(handle: number): NativeStats;
  /** Ends the input early: what was read is flushed, then `drain` returns -1. Twice is harmless. */
  stop(handle: number): void;
  /** Stops, joins the threads, frees everything. Waits for calls of `drain` that are under way. */
  close(handle: number): void;
  /**
   * What to change before relying on interfaces, a sentence each.
   * @throws Error with a sentence when a pattern fits none
   */
  preflight(patterns: readonly string[]): string[];
  /**
   * Writes the capture of a request out of the last frames of a live run.
   * @returns one result
   */
  saveEvidence(handle: number, request: EvidenceRequest): Promise<EvidenceResult[]>;
  /** Reads captures again and writes those of the requests; a result for each. */
  extractEvidence(
    sources: readonly string[],
    requests: readonly EvidenceRequest[],
  ): Promise<EvidenceResult[]>;
  /** Tells the service manager at a socket (sd_notify(3)); false when it was not sent. */
  notifyService(path: string, text: string): boolean;
  /** Community ID v1 of a five-tuple; for ICMP the ports are type and code. */
  communityId(
    protocol: number,
    source: Uint8Array,
    destination: Uint8Array,
    sourcePort: number,
    destinationPort: number,
    seed: number,
  ): string;
  /**
   * Hears a tap for segments to answer with TCP resets, in a thread of its own.
   * @returns handle, valid in this environment until `closeInjector`
   * @throws Error with a sentence, and `isLasting` true where trying again does not help
   */
  openInjector(options: ResetInjectorOptions): number;
  /**
   * All that is answered from now on, at most 512 targets.
   * @throws Error with a sentence; nothing else is answered even then
   */
  setResetTargets(handle: number, targets: readonly ResetTarget[]): void;
  injectorState(handle: number): ResetInjectorState;
  /** Waits for the thread, which ends at once. */
  closeInjector(handle: number): void;
}

export interface NativeOptions {
  /** Paths of captures, read as one stream in time order; "-" is standard input. */
  readonly sources: readonly string[];
  /** Set when the sources are interfaces, or patterns of their names with '*' and '?'. */
  readonly live: LiveOptions | null;
  readonly lanes: number;
  readonly shards: number;
  /** CPUs for the reader and the lanes, in this order and again from the first; empty: any. */
  readonly pinned: readonly number[];
  /** Prefixes that are internal, e.g. "10.0.0.0/8". */
  readonly homeNet: readonly string[];
  /** Fill the publish queue with flow records (END) and events. */
  readonly publish: boolean;
  /** Kinds of events that go to the shards of both ends, as flows do. */
  readonly eventsOfEnds: readonly number[];
  /** Kinds of events that go to every shard, besides sketches. */
  readonly eventsOfLinks: readonly number[];
  /** Keep packets with bad checksums out of flows. */
  readonly strictChecksums: boolean;
  /** MD5, SHA-1 and SHA-256 of files. */
  readonly digests: boolean;
  /** Let subscribers' identities leave the core in clear, and not as hashes under `identityKey`. */
  readonly clearIdentities: boolean;
  /** 16 bytes. */
  readonly identityKey: Uint8Array;
  /** 16 bytes that key the flow table, flow ids and entity keys; null for the fixed ones of replay. */
  readonly hashKey: Uint8Array | null;
  /** Flows that fit in the table of one lane. */
  readonly maxFlows: number;
  /** Bytes that one queue may hold. */
  readonly queueBytes: number;
  /** Bytes that the core may keep in all; the limits above are lowered to fit. 0: no such bound. */
  readonly memoryBytes: number;
}

/** Which frames belong to an incident: those between its entity and one of the others. */
export interface EvidenceRequest {
  /** Of the capture to write. */
  readonly path: string;
  /** An address, or the prefix of a segment. */
  readonly entity: string;
  /** Addresses; none: whoever the entity speaks with. */
  readonly others: readonly string[];
  /** Microseconds since 1970. */
  readonly fromUs: number;
  readonly untilUs: number;
  readonly mostFrames: number;
}

export interface EvidenceResult {
  /** Without any there is no capture. */
  readonly frames: number;
  /** One sentence; null when nothing went wrong. */
  readonly error: string | null;
}

export interface LiveOptions {
  /** In the syntax of pcap-filter(7), for the kernel; '' takes everything. */
  readonly filter: string;
  /** Through libpcap, and not through the kernel's rings. */
  readonly throughLibpcap: boolean;
  /** Of the kernel's ring of each interface. */
  readonly ringBytes: number;
  /** Take frames for other machines, too. */
  readonly promiscuous: boolean;
  /** Take the network card's time stamps. */
  readonly hardwareTimestamps: boolean;
  /** Of the last frames, kept for evidence; 0: none. */
  readonly evidenceBytes: number;
  /** Records wait no longer than this for their batch to fill. */
  readonly flushMs: number;
}

export interface NativeStats {
  /** In the order of native/base/counters.def (COUNTERS in batch/generated/names.ts). */
  readonly counters: readonly number[];
  readonly bytesRead: number;
  /** 0 when unknown. */
  readonly bytesTotal: number;
  /** Packet time of the first packet, microseconds since 1970; 0 before it. */
  readonly firstPacketTimeUs: number;
  /** Packet time that the reader has reached, microseconds since 1970; 0 before the first packet. */
  readonly packetTimeUs: number;
  readonly ended: boolean;
  /** CPU time of the native threads so far, nanoseconds. */
  readonly nativeCpuNs: number;
  readonly sources: readonly {
    readonly path: string;
    /** null, or why it could not be opened, or what damage ended it. */
    readonly error: string | null;
    readonly kind: 'ok' | 'unreadable' | 'not_a_capture' | 'damaged';
  }[];
}
