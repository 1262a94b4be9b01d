// Sends random bytes over one connection at a steady pace, in pieces of a second.
// Arguments: server, port, bytes per second.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const [server = '', port = '', bytesPerSecond = '1000'] = process.argv.slice(2);
const socket = connect(Number(port), server);
socket.on('connect', () => {
  setInterval(() => socket.write(randomBytes(Number(bytesPerSecond))), 1000);
});
