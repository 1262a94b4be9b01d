import { createServer } from 'node:net';
import { say } from './say.js';

/**
 * The server of a tap's net. On port 80 it sends as fast as it can, on 81 it says everything back.
 * It tells how each connection ended.
 */
const BLOCK = Buffer.alloc(65_536, 'x');

for (const port of [80, 81]) {
  const server = createServer((socket) => {
    let code: string | null = null;
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'ERROR'));
    const clientPort = socket.remotePort!;
    socket.on('close', () => say({ event: 'ended', port: clientPort, code }));
    if (port === 81) socket.pipe(socket);
    else {
      const fill = (): void => {
        while (socket.writable && socket.write(BLOCK));
      };
      socket.on('drain', fill).resume();
      fill();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '::', resolve));
}
say({ event: 'ready' });
