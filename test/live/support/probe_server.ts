import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The server of a gateway test: TCP on 22, 80 and 81, UDP echo on 7. Says when it listens. */
for (const port of [22, 80, 81]) {
  const server = createServer((socket) => {
    socket.on('error', () => null).on('data', () => null);
  });
  server.listen(port, '::');
  await once(server, 'listening');
}
const echo = createSocket('udp4', (message, peer) => echo.send(message, peer.port, peer.address));
echo.on('error', () => null).bind(7);
await once(echo, 'listening');
console.log('ready');
