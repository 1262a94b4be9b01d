import { readFileSync } from 'node:fs';
import { ThymusError } from '../../errors.js';
import type { Actuator } from './actuator.js';
import { Agent, type AgentLink } from './agent.js';
import { Bgp } from './bgp.js';
import type { BgpSpeaker } from './bgp_speaker.js';
import { CommandHook } from './command_hook.js';
import { Exabgp } from './exabgp.js';
import { Gobgp } from './gobgp.js';
import { Nftables } from './nftables.js';
import { Openc2 } from './openc2.js';
import { Rpz } from './rpz.js';
import type { OpenInjector, ResetInjectorOptions } from './reset_injector.js';
import type { ActuatorSettings, OneActuator, SettingsOf } from './settings.js';
import { TcpReset } from './tcp_reset.js';
import { Webhook } from './webhook.js';

const LEAST_SECRET = 16;

type BgpDaemon = SettingsOf<'gobgp' | 'exabgp'>;

/** Makes the link to a remote agent; it connects by itself, and again when it is lost. */
export type ConnectAgent = (settings: SettingsOf<'agent'>) => AgentLink;

/** What actuators need from outside. */
export interface ActuatorParts {
  readonly connectAgent: ConnectAgent;
  readonly openInjector: OpenInjector;
  /** Takes what an operator should know, a sentence each. */
  readonly onNote: (sentence: string) => void;
}

/**
 * The actuators of the settings, in their order. Nothing is started or changed yet.
 *
 * @throws ThymusError CONFIG_INVALID where a secret or a certificate cannot be read
 */
export function openActuators(
  settings: ActuatorSettings,
  parts: ActuatorParts,
): readonly Actuator[] {
  return settings.map((one) => open(one, parts));
}

/** @returns a sentence for each actuator that would fail as this machine is */
export function preflightActuators(
  settings: ActuatorSettings,
  { openInjector }: ActuatorParts,
): readonly string[] {
  return settings.flatMap((one) => {
    if (one.kind !== 'tcp_reset') return [];
    const opened = openInjector(injectorOptions(one));
    if ('ok' in opened) return [opened.reason];
    opened.close();
    return [];
  });
}

function open(one: OneActuator, { connectAgent, openInjector, onNote }: ActuatorParts): Actuator {
  switch (one.kind) {
    case 'nftables':
      return new Nftables({ command: one.program, hook: { at: one.at, devices: one.devices } });
    case 'command':
      return new CommandHook({
        program: one.program,
        timeoutMs: one.timeout_ms,
        kinds: one.kinds,
        expiresByItself: one.expires_by_itself,
      });
    case 'webhook':
      return new Webhook({
        url: one.url,
        secret: readSecret(one.secret_file),
        timeoutMs: one.timeout_ms,
        kinds: one.kinds,
        expiresByItself: one.expires_by_itself,
      });
    case 'rpz':
      return new Rpz({
        path: one.path,
        reload: one.reload,
        timeoutMs: one.timeout_ms,
        answer:
          one.answer === null
            ? null
            : { type: one.answer.includes(':') ? 'AAAA' : 'A', address: one.answer },
        ttlSeconds: one.ttl_seconds,
      });
    case 'gobgp':
      return openBgp(one, new Gobgp(speakerSettings(one)));
    case 'exabgp':
      return openBgp(one, new Exabgp(speakerSettings(one)));
    case 'openc2':
      return new Openc2({
        url: one.url,
        token: one.token_file === null ? null : readSecret(one.token_file),
        timeoutMs: one.timeout_ms,
        ledgerPath: one.ledger,
        kinds: one.kinds,
      });
    case 'agent':
      return new Agent({ name: one.name, link: connectAgent(one), kinds: one.kinds });
    case 'tcp_reset':
      return new TcpReset({
        injector: injectorOptions(one),
        open: openInjector,
        kinds: one.kinds,
        onNote,
      });
  }
}

const injectorOptions = (one: SettingsOf<'tcp_reset'>): ResetInjectorOptions => ({
  tap: one.interface,
  out: one.out ?? one.interface,
  nextHop: one.next_hop === null ? null : Buffer.from(one.next_hop.replaceAll(/[:-]/g, ''), 'hex'),
  resetsPerSecond: one.most_per_second,
});

const openBgp = (one: BgpDaemon, speaker: BgpSpeaker): Actuator =>
  new Bgp({ speaker, ledgerPath: one.ledger, kinds: one.kinds });

const speakerSettings = (one: BgpDaemon) => ({
  program: one.program,
  timeoutMs: one.timeout_ms,
  mark: one.mark,
  blackholeCommunities: one.blackhole_communities,
  nextHop: { '4': one.next_hop_4, '6': one.next_hop_6 },
});

function readSecret(path: string): string {
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ThymusError(
      'CONFIG_INVALID',
      `A secret of the actuators cannot be read (${why}): check 'secret_file' and 'token_file'.`,
      { cause },
    );
  }
  if (secret.length >= LEAST_SECRET) return secret;
  throw new ThymusError(
    'CONFIG_INVALID',
    `The secret in '${path}' is too short: it needs at least ${LEAST_SECRET} characters.`,
  );
}
