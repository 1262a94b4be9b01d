import { GATEWAY, OUTSIDER, WEB } from '../hosts.js';
import { attackScenario } from './attack.js';

const PACKETS = 10_000;
const GAP_US = 333;

export const synFlood = attackScenario(
  'syn_flood',
  'The web server gets SYNs with forged random sources from the internet, made with hping3.',
  {
    seconds: 5,
    attack: {
      technique: 'T1499.001',
      techniqueName: 'Endpoint Denial of Service: OS Exhaustion Flood',
      attacker: null,
      mac: GATEWAY.mac,
      victims: [WEB.address],
      host: OUTSIDER.name,
      tool: 'hping3',
      command: (intensity) => [
        ...['hping3', '-q', '-n', '-S', '-p', '80', '--rand-source'],
        ...['-i', `u${Math.round(GAP_US / intensity)}`],
        ...['-c', String(Math.round(PACKETS * intensity)), WEB.address],
      ],
      // Real systems send options with a SYN, hping3 sends none.
      filter:
        `ether src ${GATEWAY.mac} and dst host ${WEB.address} and tcp dst port 80 ` +
        'and tcp[tcpflags] = tcp-syn and tcp[12] & 0xf0 = 0x50',
    },
  },
);
