/** What evidence keeps of a flow: enough to find it again in any tool. */
export interface FlowRef {
  /** Flow id, unique per run, 16 hex digits. */
  readonly flowId: string;
  /** Community ID v1, seed 0. */
  readonly communityId: string;
  readonly protocol: number;
  readonly origIp: string;
  readonly origPort: number;
  readonly respIp: string;
  readonly respPort: number;
  /** Packet time of the first packet, microseconds since 1970. */
  readonly startUs: number;
  /** The responder sent payload over TCP: the originator gets what is sent to its address. */
  readonly isAnswered?: true;
  /** Hardware address that its first packet came from, 12 hex digits, where the link has any. */
  readonly station?: string;
}
