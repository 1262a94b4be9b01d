/** A packet as baselines see it. Texts are empty and numbers 0 where a packet has none. */
export interface Packet {
  readonly timeUs: number;
  /** On the wire, with its link header. */
  readonly bytes: number;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  /** IP protocol; 0 for ARP. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  readonly isArpRequest: boolean;
  /** Of a DNS answer over UDP its return code, else -1. */
  readonly dnsCode: number;
}

/** A flow that has ended. */
export interface EndedFlow {
  readonly endUs: number;
  readonly startUs: number;
  readonly originator: string;
  readonly responder: string;
  readonly protocol: number;
  readonly responderPort: number;
  readonly originatorBytes: number;
  readonly responderBytes: number;
  readonly originatorPackets: number;
  /** Both sides spoke, and of TCP the handshake was completed. */
  readonly isEstablished: boolean;
  readonly isOutbound: boolean;
}

/** Takes how odd an address was in a tick; of several figures the largest counts. */
export interface ScoreSheet {
  raise(address: string, timeUs: number, score: number): void;
}

/** A published method, run beside the engine on the same packets and flows. Used for one capture. */
export interface Baseline {
  /** Score from which the method says so itself; null where it leaves that to its user. */
  readonly alarmFrom: number | null;
  onPacket?(packet: Packet, sheet: ScoreSheet): void;
  onFlow?(flow: EndedFlow, sheet: ScoreSheet): void;
  onEnd?(sheet: ScoreSheet): void;
}
