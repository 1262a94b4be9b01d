import { createInterface } from 'node:readline';
import { openInjector } from '../../../src/engine/reset_injector.js';
import type { Order } from '../../../src/response/actuators/actuator.js';
import { TcpReset } from '../../../src/response/actuators/tcp_reset.js';
import { say } from './say.js';

/** The actuator at the tap of a net: does what it is told, a line each, and says what came of it. */
interface Told {
  readonly id: string;
  readonly verb: 'apply' | 'undo' | 'verify' | 'panic';
  readonly orders: readonly Order[];
}

const actuator = new TcpReset({
  injector: { tap: 'eth0', out: 'eth0', nextHop: null, resetsPerSecond: 1000 },
  open: openInjector,
  kinds: null,
  onNote: (sentence) => say({ event: 'note', answer: sentence }),
});

say({ event: 'ready' });
for await (const line of createInterface(process.stdin)) {
  const { id, verb, orders } = JSON.parse(line) as Told;
  say({ event: 'done', id, answer: await act(verb, orders) });
}

async function act(verb: Told['verb'], orders: readonly Order[]): Promise<unknown> {
  if (verb === 'panic') return actuator.panic();
  return verb === 'verify' ? actuator.verify(orders[0]!) : actuator[verb](orders);
}
