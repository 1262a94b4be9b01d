import { EnforcementService } from '../api/grpc/enforcement_service.js';
import { GrpcServer, type GrpcPlace } from '../api/grpc/server.js';
import { placeOf } from '../config/schema.js';
import { AllowList } from '../domain/measure.js';
import { isPrefix } from '../domain/prefix.js';
import { ThymusError } from '../errors.js';
import type { Actuator } from '../response/actuators/actuator.js';
import { openActuators } from '../response/actuators/open.js';
import { ACTUATORS_SCHEMA } from '../response/actuators/settings.js';
import { BootClock } from '../response/clock.js';
import { LeaseKeeper } from '../response/lease_keeper.js';
import { actuatorParts } from './actuator_parts.js';
import { complain } from './console.js';
import { EXIT } from './exit.js';
import type { AgentFlags } from './flags.js';
import { ServiceManager } from './service_manager.js';

const TICK_MS = 100;

/** `thymus agent` @returns the exit code */
export async function agentCommand(flags: AgentFlags): Promise<number> {
  const place = placeFor(flags);
  const never = new AllowList(prefixesOf(flags.never ?? []));
  const keeper = new LeaseKeeper({
    actuator: await packetFilter(flags),
    clock: new BootClock(),
    never,
  });
  const say = (text: string): void => {
    if (!flags.quiet) complain(`thymus: ${text}\n`);
  };
  const service = new EnforcementService({ keeper, client: flags.allow, onCall: say });
  const manager = new ServiceManager(process.env);
  const stopped = signalled();
  const server = await GrpcServer.listen(place, service);
  const ticking = setInterval(() => void keeper.tick(), TICK_MS);
  manager.begin({ isOpen: () => true, lag: () => 0 });
  say(`the agent is ready on port ${server.port} for ${flags.allow} (nftables at ${flags.at}).`);
  await stopped;
  manager.stopping();
  clearInterval(ticking);
  await server.close();
  // What is enforced stays: the packet filter lets go of it in time, and a restart opens nothing.
  await keeper.close();
  return EXIT.DONE;
}

function placeFor({ listen, cert, key, ca }: AgentFlags): GrpcPlace {
  const place = placeOf(listen);
  if (place !== null) return { ...place, tls: { cert, key, ca, prefix: '--' } };
  const message = `'--listen' must be an address and a port such as 192.0.2.1:9466, not '${listen}'.`;
  throw new ThymusError('USAGE', message);
}

function prefixesOf(never: readonly string[]): readonly string[] {
  const wrong = never.find((text) => !isPrefix(text));
  if (wrong === undefined) return never;
  const message = `'--never' must be address prefixes such as 192.0.2.0/24, not '${wrong}'.`;
  throw new ThymusError('USAGE', message);
}

async function packetFilter({ at, device = [] }: AgentFlags): Promise<Actuator> {
  const result = ACTUATORS_SCHEMA.safeParse([{ kind: 'nftables', at, devices: device }]);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new ThymusError('USAGE', `'--at' and '--device' do not fit: ${issue!.message}.`);
  }
  return openActuators(result.data, await actuatorParts(result.data))[0]!;
}

const signalled = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
