import type { Actuator } from '../response/actuators/actuator.js';
import { openActuators, type ConnectAgent } from '../response/actuators/open.js';
import type { ActuatorSettings } from '../response/actuators/settings.js';

/**
 * Loads what the settings need, which is gRPC only where there is an agent.
 * @returns what opens the actuators, and throws ThymusError CONFIG_INVALID
 */
export async function actuatorOpener(
  settings: ActuatorSettings,
): Promise<() => readonly Actuator[]> {
  const isRemote = settings.some(({ kind }) => kind === 'agent');
  const connect = isRemote ? await agentConnector() : noAgent;
  return () => openActuators(settings, connect);
}

async function agentConnector(): Promise<ConnectAgent> {
  const { AgentClient } = await import('../api/grpc/agent_client.js');
  return ({ host, port, server_name: serverName, timeout_ms: timeoutMs, ca, cert, key }) =>
    new AgentClient({ host, port, serverName, timeoutMs, tls: { ca, cert, key, prefix: '' } });
}

const noAgent: ConnectAgent = () => {
  throw new Error('no agent is configured');
};
