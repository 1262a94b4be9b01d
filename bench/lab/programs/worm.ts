// Emulates a worm without any exploit: a listener that joins in when it is sent the worm's body.
// An infected one tries random addresses of the office and of the branch office.
// Arguments: port, tries per second, infected or healthy.
import { createServer, connect } from 'node:net';

const BODY_BYTES = 20_000;
const PATIENCE_MS = 3000;
const TARGETS = ['10.20.0', '10.20.1'];

const [port = '', perSecond = '1', state = 'healthy'] = process.argv.slice(2);
const body = Buffer.alloc(BODY_BYTES, 0x90);
let isInfected = state === 'infected';

createServer((socket) => {
  let bytes = 0;
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    bytes += piece.length;
    if (bytes < BODY_BYTES || isInfected) return;
    isInfected = true;
    spread();
  });
}).listen(Number(port));
if (isInfected) spread();

function spread(): void {
  setInterval(attempt, 1000 / Number(perSecond));
}

function attempt(): void {
  const net = TARGETS[Math.floor(Math.random() * TARGETS.length)]!;
  // Office computers have low numbers: it knows its kind.
  const number = 100 + Math.floor(Math.random() * 32);
  const socket = connect(Number(port), `${net}.${number}`);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('connect', () => socket.end(body));
}
