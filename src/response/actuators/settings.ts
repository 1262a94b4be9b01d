import { z } from 'zod';

const program = (text: string) =>
  z
    .array(z.string().min(1), `must be a program and its arguments, such as [${text}]`)
    .min(1, `must be a program and its arguments, such as [${text}]`)
    .transform((words) => words as [string, ...string[]]);

const NFTABLES = z.strictObject({
  kind: z.literal('nftables'),
  /** What starts nft. */
  program: program('nft').default(['nft']),
  /**
   * Where packets are judged: `prerouting` (all that arrives, before connection tracking), `forward`
   * (only what passes through, after address translation) or `ingress` (of the named devices).
   */
  at: z.enum(['prerouting', 'forward', 'ingress']).default('prerouting'),
  devices: z
    .array(z.string().regex(/^[\w.@-]{1,15}$/, 'must be names of network interfaces'))
    .default([]),
});

const ACTUATOR = z.discriminatedUnion('kind', [NFTABLES]);

/** Which ways to change the world there are, in the order in which they are asked. */
export const ACTUATORS_SCHEMA = z
  .array(ACTUATOR)
  .max(16, 'must be at most 16 actuators')
  .superRefine((all, context) => {
    for (const [i, one] of all.entries()) {
      if (one.kind === 'nftables' && (one.at === 'ingress') !== one.devices.length > 0) {
        const message = "'devices' belongs to 'at: ingress', which needs at least one";
        context.addIssue({ code: 'custom', message, path: [i, 'devices'] });
      }
      if (all.findIndex((other) => other.kind === one.kind) !== i) {
        const message = `there can be one '${one.kind}' only`;
        context.addIssue({ code: 'custom', message, path: [i, 'kind'] });
      }
    }
  });

export type ActuatorSettings = z.infer<typeof ACTUATORS_SCHEMA>;
export type OneActuator = ActuatorSettings[number];
export type SettingsOf<Kind extends OneActuator['kind']> = Extract<OneActuator, { kind: Kind }>;
