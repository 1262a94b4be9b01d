import { AUTONOMY_MODES, type AutonomyMode } from '../domain/action.js';
import type { Zone } from '../domain/decision.js';

/**
 * Every setting, once: the command line, the configuration file, `--help` and the checks are made
 * from this list. A setting has the same name as a flag and as a key of the YAML file.
 */
export interface Setting {
  readonly name: string;
  readonly kind:
    | 'integer'
    | 'number'
    | 'choice'
    | 'prefixes'
    | 'hosts'
    | 'zones'
    | 'cpus'
    | 'path'
    | 'place'
    | 'api-place';
  /** What the flag's value is called in `--help`. */
  readonly value: string;
  readonly unit: string | null;
  /** Smallest and largest value of a number; a value outside is refused. */
  readonly range?: readonly [least: number, most: number];
  readonly choices?: readonly string[];
  readonly fallback: number | string | readonly string[] | readonly number[] | null;
  readonly doc: string;
}

const setting = <const T extends Setting>(row: T): T => row;

export const SETTINGS = [
  setting({
    name: 'home-net',
    kind: 'prefixes',
    value: 'prefixes',
    unit: null,
    fallback: [
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10',
      '169.254.0.0/16',
      'fc00::/7',
      'fe80::/10',
    ],
    doc: 'what is internal, as address prefixes separated by commas',
  }),
  setting({
    name: 'scanners',
    kind: 'prefixes',
    value: 'prefixes',
    unit: null,
    fallback: [],
    doc: 'hosts that may search the network, such as an inventory scanner: no scan of theirs is told',
  }),
  setting({
    name: 'budget',
    kind: 'number',
    value: 'incidents',
    unit: 'false incidents per day per 1,000 devices',
    range: [0.001, 1000],
    fallback: 1,
    doc: 'how many false incidents you accept; the one threshold',
  }),
  setting({
    name: 'lanes',
    kind: 'integer',
    value: 'n',
    unit: 'native threads',
    range: [1, 64],
    fallback: 1,
    doc: 'threads that read packets; never changes the output',
  }),
  setting({
    name: 'pin',
    kind: 'cpus',
    value: 'cpus',
    unit: null,
    fallback: [],
    doc: 'CPUs for the reader and the lanes, in this order, separated by commas; by default any',
  }),
  setting({
    name: 'shards',
    kind: 'integer',
    value: 'n',
    unit: 'worker threads',
    range: [1, 64],
    fallback: 1,
    doc: 'threads that judge entities; never changes the output',
  }),
  setting({
    name: 'checksums',
    kind: 'choice',
    value: 'how',
    unit: null,
    choices: ['accept', 'strict'],
    fallback: 'accept',
    doc: 'packets with a bad checksum: count and accept them, or keep them out of flows',
  }),
  setting({
    name: 'digests',
    kind: 'choice',
    value: 'of',
    unit: null,
    choices: ['none', 'files'],
    fallback: 'none',
    doc: 'MD5, SHA-1 and SHA-256 of the files that protocols carry, in EVE fileinfo',
  }),
  setting({
    name: 'identities',
    kind: 'choice',
    value: 'how',
    unit: null,
    choices: ['hash', 'clear'],
    fallback: 'hash',
    doc: "subscribers' identities (IMSI, MSISDN, IMEI) in outputs: as keyed hashes, or in clear",
  }),
  setting({
    name: 'identity-key',
    kind: 'path',
    value: 'file',
    unit: null,
    fallback: null,
    doc: 'file of 32 hexadecimal digits that keys these hashes; by default one is made in --state',
  }),
  setting({
    name: 'max-flows',
    kind: 'integer',
    value: 'n',
    unit: 'flows per lane',
    range: [1024, 67_108_864],
    fallback: 1_048_576,
    doc: 'flows kept at one time; above it the idlest is ended early and counted',
  }),
  setting({
    name: 'queue-mib',
    kind: 'integer',
    value: 'n',
    unit: 'MiB per queue',
    range: [1, 1024],
    fallback: 8,
    doc: 'records that may wait for each worker',
  }),
  setting({
    name: 'memory',
    kind: 'integer',
    value: 'n',
    unit: 'MiB of the native core',
    range: [16, 16_777_216],
    fallback: null,
    doc: 'bound of all that the core keeps; lowers the limits of flows, parsers and queues to fit',
  }),
  setting({
    name: 'source',
    kind: 'choice',
    value: 'how',
    unit: null,
    choices: ['ring', 'libpcap'],
    fallback: 'ring',
    doc: "where frames come from: the kernel's packet rings, or libpcap, which knows more kinds of interfaces and copies each frame",
  }),
  setting({
    name: 'ring-mib',
    kind: 'integer',
    value: 'n',
    unit: 'MiB per interface',
    range: [4, 65_536],
    fallback: 64,
    doc: "the kernel's ring of frames that wait to be read",
  }),
  setting({
    name: 'evidence-mib',
    kind: 'integer',
    value: 'n',
    unit: 'MiB',
    range: [2, 65_536],
    fallback: 64,
    doc: 'with --evidence-pcap: the last frames that are kept in memory for what came before',
  }),
  setting({
    name: 'timestamps',
    kind: 'choice',
    value: 'whose',
    unit: null,
    choices: ['kernel', 'card'],
    fallback: 'kernel',
    doc: 'whose clock stamps frames; that of the network card is exact, and must be right',
  }),
  setting({
    name: 'prometheus',
    kind: 'place',
    value: 'host:port',
    unit: null,
    fallback: null,
    doc: 'answer Prometheus there, for anyone who can reach it; by default nowhere',
  }),
  setting({
    name: 'grpc',
    kind: 'api-place',
    value: 'place',
    unit: null,
    fallback: null,
    doc: "serve the programming interface there: 'unix' in --state, unix:PATH, or host:port with certificates",
  }),
  setting({
    name: 'grpc-cert',
    kind: 'path',
    value: 'file',
    unit: null,
    fallback: null,
    doc: 'certificate that --grpc host:port shows, with its chain, as PEM',
  }),
  setting({
    name: 'grpc-key',
    kind: 'path',
    value: 'file',
    unit: null,
    fallback: null,
    doc: 'private key of --grpc-cert, as PEM',
  }),
  setting({
    name: 'grpc-ca',
    kind: 'path',
    value: 'file',
    unit: null,
    fallback: null,
    doc: 'certificates of those whose clients may use --grpc host:port, as PEM',
  }),
  setting({
    name: 'state',
    kind: 'path',
    value: 'dir',
    unit: null,
    fallback: null,
    doc: 'where runs are kept; by default $XDG_STATE_HOME/thymus or ~/.local/state/thymus',
  }),
  setting({
    name: 'store',
    kind: 'choice',
    value: 'what',
    unit: null,
    choices: ['incidents', 'devices', 'flows', 'none'],
    fallback: 'incidents',
    doc: 'what a run keeps: incidents with their evidence, devices as well, flows as well, or nothing',
  }),
  setting({
    name: 'respond',
    kind: 'choice',
    value: 'mode',
    unit: null,
    choices: AUTONOMY_MODES,
    fallback: 'recommend',
    doc: 'what may be done about incidents: nothing, only what people agree to, what is mild, or all that passes the gates',
  }),
  setting({
    name: 'respond-zones',
    kind: 'zones',
    value: 'zones',
    unit: null,
    fallback: [],
    doc: 'other modes for some hosts, such as 10.1.0.0/16=auto or slice:7=observe, separated by commas',
  }),
  setting({
    name: 'respond-protected',
    kind: 'prefixes',
    value: 'prefixes',
    unit: null,
    fallback: [],
    doc: 'hosts to which nothing is done without a person, beside those that thymus finds critical',
  }),
  setting({
    name: 'respond-allow',
    kind: 'hosts',
    value: 'hosts',
    unit: null,
    fallback: [],
    doc: 'address prefixes and domain names that nothing is ever done to',
  }),
  setting({
    name: 'respond-confidence',
    kind: 'number',
    value: 'probability',
    unit: null,
    range: [0.5, 1],
    fallback: 0.99,
    doc: 'without a person: least probability that the incident is real',
  }),
  setting({
    name: 'respond-impact',
    kind: 'number',
    value: 'share',
    unit: "of a host's normal traffic",
    range: [0, 1],
    fallback: 0.2,
    doc: 'without a person: most that may be taken away; what is critical counts five times',
  }),
  setting({
    name: 'respond-fleet',
    kind: 'number',
    value: 'share',
    unit: "of all hosts' normal bytes",
    range: [0, 1],
    fallback: 0.001,
    doc: 'without a person: most that may be blocked within an hour',
  }),
  setting({
    name: 'respond-devices',
    kind: 'number',
    value: 'share',
    unit: 'of all devices',
    range: [0, 1],
    fallback: 0.02,
    doc: 'without a person: most that may be acted on within an hour, and always one',
  }),
  setting({
    name: 'respond-history',
    kind: 'number',
    value: 'seconds',
    unit: 'seconds',
    range: [0, 31_536_000],
    fallback: 86_400,
    doc: 'without a person: least time from which it is known what is normal',
  }),
  setting({
    name: 'respond-approvals',
    kind: 'integer',
    value: 'n',
    unit: 'people',
    range: [1, 9],
    fallback: 2,
    doc: 'who have to agree where much is at stake',
  }),
  setting({
    name: 'respond-deadline',
    kind: 'integer',
    value: 'seconds',
    unit: 'seconds',
    range: [10, 86_400],
    fallback: 900,
    doc: 'until a proposal that nobody answered is settled',
  }),
  setting({
    name: 'respond-default',
    kind: 'choice',
    value: 'what',
    unit: null,
    choices: ['reject', 'approve'],
    fallback: 'reject',
    doc: 'what becomes of it then',
  }),
] as const;

export type SettingName = (typeof SETTINGS)[number]['name'];

/** Raw values by name, as the command line (texts) or a YAML file has them. */
export type RawSettings = Readonly<Partial<Record<SettingName, unknown>>>;

/** Where the programming interface is served: a Unix socket (null: the usual one), or a port. */
export type ApiPlace =
  { readonly path: string | null } | { readonly host: string; readonly port: number };

/** All settings, checked. */
export interface Settings {
  readonly homeNet: readonly string[];
  readonly scanners: readonly string[];
  readonly budget: number;
  readonly lanes: number;
  readonly pin: readonly number[];
  readonly shards: number;
  readonly checksums: 'accept' | 'strict';
  readonly digests: 'none' | 'files';
  readonly identities: 'hash' | 'clear';
  readonly identityKey: string | null;
  readonly maxFlows: number;
  readonly queueMib: number;
  readonly memory: number | null;
  readonly source: 'ring' | 'libpcap';
  readonly ringMib: number;
  readonly evidenceMib: number;
  readonly timestamps: 'kernel' | 'card';
  readonly prometheus: { readonly host: string; readonly port: number } | null;
  readonly grpc: ApiPlace | null;
  readonly grpcCert: string | null;
  readonly grpcKey: string | null;
  readonly grpcCa: string | null;
  readonly state: string | null;
  readonly store: 'incidents' | 'devices' | 'flows' | 'none';
  readonly respond: AutonomyMode;
  readonly respondZones: readonly Zone[];
  readonly respondProtected: readonly string[];
  readonly respondAllow: readonly string[];
  readonly respondConfidence: number;
  readonly respondImpact: number;
  readonly respondFleet: number;
  readonly respondDevices: number;
  readonly respondHistory: number;
  readonly respondApprovals: number;
  readonly respondDeadline: number;
  readonly respondDefault: 'reject' | 'approve';
}
