import { openInjector } from '../engine/reset_injector.js';
import type { ActuatorParts, ConnectAgent } from '../response/actuators/open.js';
import type { ActuatorSettings } from '../response/actuators/settings.js';
import { complain } from './console.js';

/** What actuators need of the engine, of the network and of the command line. */
export async function actuatorParts(settings: ActuatorSettings): Promise<ActuatorParts> {
  const isRemote = settings.some(({ kind }) => kind === 'agent');
  return {
    connectAgent: isRemote ? await agentConnector() : noAgent,
    openInjector,
    onNote: (sentence) => complain(`thymus: ${sentence}\n`),
  };
}

/** gRPC takes long to load. */
async function agentConnector(): Promise<ConnectAgent> {
  const { AgentClient } = await import('../api/grpc/agent_client.js');
  return ({ host, port, server_name: serverName, timeout_ms: timeoutMs, ca, cert, key }) =>
    new AgentClient({ host, port, serverName, timeoutMs, tls: { ca, cert, key, prefix: '' } });
}

const noAgent: ConnectAgent = () => {
  throw new Error('no agent is configured');
};
