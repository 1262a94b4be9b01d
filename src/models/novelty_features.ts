/** What a device does in a minute, as numbers: the features F0 to F27 that flow records allow. */
export interface NoveltyFeature {
  readonly id: string;
  /** In plain words with its unit. */
  readonly title: string;
  /** The value is ln(1 + x) of what is told. */
  readonly isLog: boolean;
  /** Odd when it is low: the value of the feature of this position, with its sign turned. */
  readonly lowOf?: number;
  /** One of those that are looked at jointly. */
  readonly isJoint: boolean;
}

const feature = <const T extends NoveltyFeature>(row: T): T => row;

export const NOVELTY_FEATURES = [
  feature({ id: 'packets_out', title: 'packets sent', isLog: true, isJoint: true }),
  feature({ id: 'bytes_out', title: 'bytes sent', isLog: true, isJoint: true }),
  feature({ id: 'bytes_in', title: 'bytes received', isLog: true, isJoint: true }),
  feature({ id: 'flows', title: 'flows started', isLog: true, isJoint: true }),
  feature({ id: 'destinations', title: 'destinations', isLog: true, isJoint: true }),
  feature({ id: 'services', title: 'destinations and ports', isLog: true, isJoint: true }),
  feature({ id: 'failed', title: 'contacts that failed', isLog: true, isJoint: true }),
  feature({
    id: 'out_in',
    title: 'ln of bytes sent outside over bytes received',
    isLog: false,
    isJoint: true,
  }),
  feature({ id: 'packet_size', title: 'mean bytes of a packet sent', isLog: true, isJoint: true }),
  feature({
    id: 'admin_hosts',
    title: 'hosts contacted on administration ports',
    isLog: true,
    isJoint: true,
  }),
  feature({ id: 'entropy', title: 'mean bits of payload entropy', isLog: false, isJoint: true }),
  feature({ id: 'retransmitted', title: 'share retransmitted', isLog: false, isJoint: true }),
  feature({ id: 'icmp_bytes', title: 'bytes of ping payload', isLog: true, isJoint: false }),
  feature({
    id: 'hour',
    title: 'surprise of being active at this hour of the week (nats)',
    isLog: false,
    isJoint: false,
  }),
  feature({
    id: 'packets_low',
    title: 'packets sent, which are few',
    isLog: true,
    lowOf: 0,
    isJoint: false,
  }),
  feature({
    id: 'bytes_low',
    title: 'bytes sent, which are few',
    isLog: true,
    lowOf: 1,
    isJoint: false,
  }),
] as const;

export type NoveltyFeatureId = (typeof NOVELTY_FEATURES)[number]['id'];

export const FEATURE_INDEX = Object.fromEntries(
  NOVELTY_FEATURES.map(({ id }, i) => [id, i]),
) as Record<NoveltyFeatureId, number>;

/** Positions of the features that are looked at jointly. */
export const JOINT_FEATURES: readonly number[] = NOVELTY_FEATURES.flatMap((row, i) =>
  row.isJoint ? [i] : [],
);
