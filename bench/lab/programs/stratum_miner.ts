// A miner's end of stratum: subscribes, authorizes, and hands in made-up shares.
// Arguments: pool, port, seconds between shares.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const [pool = '', port = '', seconds = '3'] = process.argv.slice(2);
const WORKER = '4labminer.rig1';
let id = 0;

const socket = connect(Number(port), pool);
socket.on('data', () => undefined);
socket.on('error', () => undefined);
socket.on('connect', () => {
  send('mining.subscribe', ['lab-miner/1.0']);
  send('mining.authorize', [WORKER, 'x']);
  submitLater();
});

function submitLater(): void {
  const waitMs = 1000 * Number(seconds) * (0.5 + Math.random());
  setTimeout(() => {
    send('mining.submit', [WORKER, hex(4), hex(4), hex(4), hex(4)]);
    submitLater();
  }, waitMs);
}

function send(method: string, params: readonly string[]): void {
  socket.write(`${JSON.stringify({ id: ++id, method, params })}\n`);
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
