// Answers SNTP requests (RFC 4330) on port 123 with the machine's time.
// Argument: the address to answer from.
import { createSocket } from 'node:dgram';

const PACKET_BYTES = 48;
const SECONDS_1900_TO_1970 = 2_208_988_800;

const socket = createSocket('udp4');
socket.on('message', (request, from) => {
  if (request.length < PACKET_BYTES) return;
  socket.send(answerTo(request), from.port, from.address);
});
socket.bind(123, process.argv[2]);

function answerTo(request: Buffer): Buffer {
  const answer = Buffer.alloc(PACKET_BYTES);
  // No leap second, version of the request, mode 4 (server); stratum 2; poll; precision.
  answer[0] = (request[0]! & 0x38) | 4;
  answer[1] = 2;
  answer[2] = request[2]!;
  answer[3] = 0xec;
  writeTime(answer, 16);
  request.copy(answer, 24, 40, 48);
  writeTime(answer, 32);
  writeTime(answer, 40);
  return answer;
}

function writeTime(packet: Buffer, offset: number): void {
  const now = Date.now();
  packet.writeUInt32BE(Math.floor(now / 1000) + SECONDS_1900_TO_1970, offset);
  packet.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), offset + 4);
}
