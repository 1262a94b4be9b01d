import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Probe } from './gateway_net.js';

/** One end of a gateway test: reads probes, a line each, and says how many came through. */
const WAIT_MS = 300;

for await (const line of createInterface(process.stdin)) {
  const probe = JSON.parse(line) as Probe;
  console.log(await (probe.how === 'tcp' ? tcp(probe) : udp(probe)));
}

async function tcp({ from, to, port, count = 1, waitMs = WAIT_MS }: Probe): Promise<number> {
  const tries = Array.from({ length: count }, async () => {
    const socket = connect({ host: to, port, localAddress: from });
    const through = await Promise.race([
      new Promise<boolean>((resolve) => {
        socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      }),
      sleep(waitMs, false),
    ]);
    socket.destroy();
    return through;
  });
  return (await Promise.all(tries)).filter(Boolean).length;
}

async function udp(probe: Probe): Promise<number> {
  const { from, to, port, count = 1, bytes = 100, waitMs = WAIT_MS } = probe;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  let echoes = 0;
  socket.on('message', () => echoes++).on('error', () => null);
  await new Promise<void>((resolve) => socket.bind(0, from, resolve));
  for (let i = 0; i < count; i++) socket.send(Buffer.alloc(bytes), port, to);
  await sleep(waitMs);
  socket.close();
  return echoes;
}
