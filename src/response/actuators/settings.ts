import { z } from 'zod';
import { LADDER } from '../../domain/action.js';

const program = (text: string) =>
  z
    .array(z.string().min(1), `must be a program and its arguments, such as [${text}]`)
    .min(1, `must be a program and its arguments, such as [${text}]`)
    .transform((words) => words as [string, ...string[]]);

const INTERFACE = /^[\w.@-]{1,15}$/;

const NFTABLES = z.strictObject({
  kind: z.literal('nftables'),
  /** What starts nft. */
  program: program('nft').default(['nft']),
  /**
   * Where packets are judged: `prerouting` (all that arrives, before connection tracking), `forward`
   * (only what passes through, after address translation) or `ingress` (of the named devices).
   */
  at: z.enum(['prerouting', 'forward', 'ingress']).default('prerouting'),
  devices: z.array(z.string().regex(INTERFACE, 'must be names of network interfaces')).default([]),
});

const timeoutMs = (fallback: number) =>
  z.int('must be milliseconds').min(10).max(60_000).default(fallback);
const path = z.string().min(1, 'must be a path');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
/** Kinds of measures that go there; null: all that change traffic. */
const kinds = z
  .array(z.enum(LADDER.map(({ kind }) => kind)))
  .min(1)
  .nullable()
  .default(null);

const COMMAND = z.strictObject({
  kind: z.literal('command'),
  /** Gets the verb as its last argument. Never started through a shell. */
  program: program('/usr/local/bin/block'),
  timeout_ms: timeoutMs(10_000),
  kinds,
  /** The program's target lets go by itself after `ttl_ms`. */
  expires_by_itself: z.boolean().default(false),
});

const WEBHOOK = z.strictObject({
  kind: z.literal('webhook'),
  url: httpUrl,
  /** File that holds the shared secret, at least 16 characters. */
  secret_file: path,
  timeout_ms: timeoutMs(5000),
  kinds,
  expires_by_itself: z.boolean().default(false),
});

const RPZ = z.strictObject({
  kind: z.literal('rpz'),
  /** Zone file, which thymus replaces as a whole. */
  path,
  /** Makes the name server read the file again, such as [rndc, reload, rpz.thymus]. */
  reload: program('rndc, reload, rpz.thymus').nullable().default(null),
  timeout_ms: timeoutMs(10_000),
  /** Address that sinkholed names are answered with; without one there is no such name. */
  answer: z.union([z.ipv4(), z.ipv6()]).nullable().default(null),
  ttl_seconds: z.int().min(1).max(86_400).default(60),
});

const community = z
  .string()
  .regex(/^\d{1,5}:\d{1,5}$/, 'must be a community such as 64512:28025')
  .refine(
    (text) => text.split(':').every((part) => Number(part) <= 65_535),
    'must be a community of two numbers up to 65535',
  );

/** What all BGP daemons share. */
const BGP = {
  /** Where it is kept which action a route belongs to. */
  ledger: path,
  timeout_ms: timeoutMs(5000),
  kinds,
  /** Community on all routes of thymus; nothing else in the network may use it. */
  mark: community,
  blackhole_communities: z.array(community).min(1).default(['65535:666']),
  /** Next hops of blackhole routes, as agreed with the peers. */
  next_hop_4: z.ipv4().nullable().default(null),
  next_hop_6: z.ipv6().nullable().default(null),
};

const GOBGP = z.strictObject({
  kind: z.literal('gobgp'),
  ...BGP,
  /** What starts gobgp, with options such as --host and --port. */
  program: program('gobgp').default(['gobgp']),
});

const EXABGP = z.strictObject({
  kind: z.literal('exabgp'),
  ...BGP,
  // Its command waits 5 s for an answer by itself.
  timeout_ms: timeoutMs(8000),
  /** What starts exabgpcli, with options such as --root. */
  program: program('exabgpcli').default(['exabgpcli']),
});

const OPENC2 = z.strictObject({
  kind: z.literal('openc2'),
  url: httpUrl,
  /** File that holds a bearer token. */
  token_file: path.nullable().default(null),
  timeout_ms: timeoutMs(5000),
  /** Where the numbers of the consumer's rules are kept. */
  ledger: path,
  kinds,
});

const AGENT = z.strictObject({
  kind: z.literal('agent'),
  /** Tells several agents apart, in 'thymus actions' and in the log. */
  name: z.string().regex(/^[0-9a-z-]{1,20}$/, 'must be at most 20 characters of 0-9, a-z and -'),
  host: z.string().min(1, 'must be an address or a name'),
  port: z.int('must be a port').min(1, 'must be a port').max(65_535, 'must be a port'),
  /** Name in the certificate of the agent where that is not the host. */
  server_name: z.string().min(1).nullable().default(null),
  /** PEM files: who signs the certificates of agents, and what this side shows them. */
  ca: path,
  cert: path,
  key: path,
  timeout_ms: timeoutMs(3000),
  kinds,
});

const interfaceName = z.string().regex(INTERFACE, 'must be the name of a network interface');

const TCP_RESET = z.strictObject({
  kind: z.literal('tcp_reset'),
  /** That hears both directions of the traffic, such as the port of a mirror. */
  interface: interfaceName,
  /** That resets are sent over; null: the same. */
  out: interfaceName.nullable().default(null),
  /** Hardware address of a router that all resets go to; null: straight to their receivers. */
  next_hop: z.mac('must be a hardware address such as 02:00:00:00:00:01').nullable().default(null),
  /** Two are sent for each segment that is answered. */
  most_per_second: z
    .int('must be resets per second, 2 to 1000000')
    .min(2)
    .max(1_000_000)
    .default(1000),
  kinds,
});

const ACTUATOR = z.discriminatedUnion('kind', [
  NFTABLES,
  COMMAND,
  WEBHOOK,
  RPZ,
  GOBGP,
  EXABGP,
  OPENC2,
  AGENT,
  TCP_RESET,
]);

/** Of agents there may be many, of everything else one. */
const identityOf = (one: z.infer<typeof ACTUATOR>): string =>
  one.kind === 'agent' ? `agent ${one.name}` : one.kind;

/** Which ways to change the world there are, in the order in which they are asked. */
export const ACTUATORS_SCHEMA = z
  .array(ACTUATOR)
  .max(64, 'must be at most 64 actuators')
  .superRefine((all, context) => {
    for (const [i, one] of all.entries()) {
      if (one.kind === 'nftables' && (one.at === 'ingress') !== one.devices.length > 0) {
        const message = "'devices' belongs to 'at: ingress', which needs at least one";
        context.addIssue({ code: 'custom', message, path: [i, 'devices'] });
      }
      if (all.findIndex((other) => identityOf(other) === identityOf(one)) !== i) {
        const message = `there can be one '${identityOf(one)}' only`;
        context.addIssue({ code: 'custom', message, path: [i, 'kind'] });
      }
    }
  });

export type ActuatorSettings = z.infer<typeof ACTUATORS_SCHEMA>;
export type OneActuator = ActuatorSettings[number];
export type SettingsOf<Kind extends OneActuator['kind']> = Extract<
  OneActuator,
  { readonly kind: Kind }
>;
