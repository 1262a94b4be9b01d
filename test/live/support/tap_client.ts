import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { say } from './say.js';

/**
 * The client of a tap's net: opens connections as it is told, a line each, and tells when each of
 * them is open and how it ended. It says something over each every few milliseconds. Asked to hang
 * up, it ends them all.
 */
const CHAT_MS = 20;

export interface Call {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

const bytes = new Map<string, number>();
const sockets = new Set<Socket>();

say({ event: 'ready' });
for await (const line of createInterface(process.stdin)) {
  const told = JSON.parse(line) as Call | { readonly ask: string; readonly id: string };
  if (!('ask' in told)) open(told);
  else if (told.ask === 'hang up') for (const socket of sockets) socket.destroy();
  else say({ event: told.ask, id: told.id, bytes: bytes.get(told.id) ?? 0 });
}

function open({ id, from, to, port }: Call): void {
  let code: string | null = null;
  let chat: NodeJS.Timeout | undefined;
  const socket = connect({ host: to, port, localAddress: from });
  sockets.add(socket);
  socket.on('connect', () => {
    say({ event: 'open', id, port: socket.localPort! });
    chat = setInterval(() => socket.write('hello'), CHAT_MS);
  });
  socket.on('data', (data) => bytes.set(id, (bytes.get(id) ?? 0) + data.length));
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'ERROR'));
  socket.on('close', () => {
    clearInterval(chat);
    sockets.delete(socket);
    say({ event: 'ended', id, code });
  });
}
