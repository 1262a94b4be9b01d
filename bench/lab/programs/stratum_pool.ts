// A mining pool's end of stratum: says yes to everything and sends work now and then.
// Arguments: address, port.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';

const WORK_MS = 10_000;
const [address, port = ''] = process.argv.slice(2);

interface Request {
  readonly id: number;
  readonly method: string;
}

createServer((socket) => {
  let rest = '';
  const send = (message: object): void => {
    socket.write(`${JSON.stringify(message)}\n`);
  };
  const work = setInterval(() => {
    send(job());
  }, WORK_MS);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearInterval(work);
  });
  socket.on('data', (bytes) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { id, method } = JSON.parse(line) as Request;
      send({ id, result: method === 'mining.subscribe' ? [[], 'f00d', 4] : true, error: null });
      if (method === 'mining.authorize') send(job());
    }
  });
}).listen(Number(port), address);

function job(): object {
  const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const params = [
    hex(4),
    hex(32),
    hex(60),
    hex(60),
    [hex(32)],
    '20000000',
    '1a2b3c4d',
    hex(4),
    true,
  ];
  return { id: null, method: 'mining.notify', params };
}
