// Takes whatever is sent and answers each check-in with a few bytes: a thief's server, and the other
// end of a beacon. Argument: port.
import { createServer } from 'node:net';

const ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 16\r\n\r\n';
const REQUEST_END = Buffer.from('\r\n\r\n');

createServer((socket) => {
  let answered = false;
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    if (answered || !isCheckIn(bytes)) return;
    answered = true;
    socket.end(`${ANSWER}sleep 0123456789`);
  });
}).listen(Number(process.argv[2]));

/** What is uploaded gets no answer. */
function isCheckIn(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).toString() === 'GET ' && bytes.includes(REQUEST_END);
}
