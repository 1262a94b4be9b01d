/** What evidence is about. */
export interface EntityRef {
  readonly kind: 'device' | 'external' | 'segment' | 'service';
  /** 52-bit keyed hash of the address: the number the records carry. */
  readonly key: number;
  /** Canonical text: an IP address, or a prefix for a segment. */
  readonly address: string;
  /** False for a source that never gave two-way proof of being there; never acted on. */
  readonly proven: boolean;
}
