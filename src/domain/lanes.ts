/**
 * The lanes of the fusion: one row per statistic that accumulates wealth of its own. The single
 * source of names, ATT&CK techniques, families and prior weights. One half of the weight is shared
 * equally by typed lanes, one half by generic ones; lanes that are not built keep theirs as idle
 * wealth 1, so that the price of a lane does not change when the next one is built.
 */
export interface Lane {
  readonly id: string;
  /** Detector of the catalogue, D1 to D21. */
  readonly detector: string;
  readonly title: string;
  readonly half: 'typed' | 'generic';
  /** Family of evidence by input; two families are independent enough for unattended action. */
  readonly family:
    'contact' | 'edge' | 'authentication' | 'volume' | 'timing' | 'content' | 'binding' | 'policy';
  readonly attack: readonly string[];
  readonly stage: 'recon' | 'initial' | 'c2' | 'cred' | 'lateral' | 'collect' | 'exfil' | 'impact';
  readonly built: boolean;
  /**
   * Ticks after which its observations no longer depend on each other; 1 where the test itself bets
   * conditionally on the past. The lane is split into so many phases.
   */
  readonly phases: number;
}

const lane = <const T extends Lane>(row: T): T => row;

export const LANES = [
  lane({
    id: 'scan_horizontal',
    detector: 'D4',
    title: 'address scan',
    half: 'typed',
    family: 'contact',
    attack: ['T1046', 'T1018'],
    stage: 'recon',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'scan_vertical',
    detector: 'D4',
    title: 'port scan',
    half: 'typed',
    family: 'contact',
    attack: ['T1046'],
    stage: 'recon',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'brute_force',
    detector: 'D5',
    title: 'password guessing',
    half: 'typed',
    family: 'authentication',
    attack: ['T1110'],
    stage: 'cred',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'syn_flood',
    detector: 'D9',
    title: 'SYN flood',
    half: 'typed',
    family: 'volume',
    attack: ['T1498.001', 'T1499.001'],
    stage: 'impact',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'volumetric_flood',
    detector: 'D9',
    title: 'volumetric flood',
    half: 'typed',
    family: 'volume',
    attack: ['T1498'],
    stage: 'impact',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'exfiltration',
    detector: 'D3',
    title: 'data leaving',
    half: 'typed',
    family: 'volume',
    attack: ['T1041', 'T1048'],
    stage: 'exfil',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'dns_tunnel',
    detector: 'D7',
    title: 'DNS tunnel',
    half: 'typed',
    family: 'content',
    attack: ['T1071.004'],
    stage: 'c2',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'lateral',
    detector: 'D10',
    title: 'lateral movement',
    half: 'typed',
    family: 'edge',
    attack: ['T1021'],
    stage: 'lateral',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'worm',
    detector: 'D11',
    title: 'worm',
    half: 'typed',
    family: 'contact',
    attack: ['T1210'],
    stage: 'lateral',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'odd_tunnel',
    detector: 'D13',
    title: 'odd tunnel',
    half: 'typed',
    family: 'content',
    attack: ['T1095', 'T1572'],
    stage: 'c2',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'binding',
    detector: 'D14',
    title: 'address binding broken',
    half: 'typed',
    family: 'binding',
    attack: ['T1557.002'],
    stage: 'cred',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'mining',
    detector: 'D15',
    title: 'crypto-mining',
    half: 'typed',
    family: 'content',
    attack: ['T1496'],
    stage: 'impact',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'mud',
    detector: 'D16',
    title: 'device profile left',
    half: 'typed',
    family: 'policy',
    attack: ['T1200'],
    stage: 'initial',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'data_loss',
    detector: 'D17',
    title: 'data loss',
    half: 'typed',
    family: 'content',
    attack: ['T1048'],
    stage: 'exfil',
    built: false,
    phases: 1,
  }),
  lane({
    id: 'survey',
    detector: 'D18',
    title: 'repeatable process',
    half: 'typed',
    family: 'content',
    attack: ['T1213', 'T1595.003'],
    stage: 'collect',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'subscriber',
    detector: 'D19',
    title: 'subscriber fraud',
    half: 'typed',
    family: 'binding',
    attack: ['T1451'],
    stage: 'cred',
    built: false,
    phases: 1,
  }),
  lane({
    id: 'isolation',
    detector: 'D20',
    title: 'isolation broken',
    half: 'typed',
    family: 'policy',
    attack: ['T1599'],
    stage: 'lateral',
    built: false,
    phases: 1,
  }),
  lane({
    id: 'command_channel',
    detector: 'D12',
    title: 'command channel',
    half: 'typed',
    family: 'content',
    attack: ['T1219', 'T1573.002'],
    stage: 'c2',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'slow_requests',
    detector: 'D9',
    title: 'slow requests',
    half: 'typed',
    family: 'volume',
    attack: ['T1499.002'],
    stage: 'impact',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'exploit',
    detector: 'D21',
    title: 'exploit of a protocol',
    half: 'typed',
    family: 'content',
    attack: ['T1190', 'T1210'],
    stage: 'initial',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'new_edge',
    detector: 'D2',
    title: 'new or rare edge',
    half: 'generic',
    family: 'edge',
    attack: ['T1021', 'T1071'],
    stage: 'lateral',
    built: true,
    phases: 14,
  }),
  lane({
    id: 'novelty',
    detector: 'D1',
    title: 'novel behaviour',
    half: 'generic',
    family: 'volume',
    attack: [],
    stage: 'initial',
    built: true,
    phases: 14,
  }),
  lane({
    id: 'beacon',
    detector: 'D6',
    title: 'beacon',
    half: 'generic',
    family: 'timing',
    attack: ['T1071', 'T1573'],
    stage: 'c2',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'dga',
    detector: 'D8',
    title: 'generated names',
    half: 'generic',
    family: 'content',
    attack: ['T1568.002'],
    stage: 'c2',
    built: true,
    phases: 1,
  }),
  lane({
    id: 'fingerprint',
    detector: 'D12',
    title: 'rare fingerprint',
    half: 'generic',
    family: 'edge',
    attack: ['T1573.002'],
    stage: 'c2',
    built: true,
    phases: 14,
  }),
] as const;

export type LaneId = (typeof LANES)[number]['id'];

/** Prior weight of each lane, in the order of LANES; sums to 1. */
export const LANE_WEIGHTS: readonly number[] = LANES.map(
  (row) => 0.5 / LANES.filter((other) => other.half === row.half).length,
);

/** Position of each lane in LANES. */
export const LANE_INDEX = Object.fromEntries(LANES.map((row, i) => [row.id, i])) as Record<
  LaneId,
  number
>;
