// Asks a time server again and again, as the time service of a device does.
// Arguments: address of the server, seconds between requests.
import { createSocket } from 'node:dgram';

const PACKET_BYTES = 48;
const [server = '', seconds = '16'] = process.argv.slice(2);

const socket = createSocket('udp4');
socket.bind(123, ask);
setInterval(ask, Number(seconds) * 1000);

function ask(): void {
  const request = Buffer.alloc(PACKET_BYTES);
  // No leap second, version 4, mode 3 (client); poll 2^6 s.
  request[0] = 0x23;
  request[2] = 6;
  request.writeUInt32BE(Math.floor(Date.now() / 1000), 40);
  socket.send(request, 123, server);
}
