import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

import { ThymusError } from '../errors.js';
import { preparePrivateSocket } from './private_socket.js';
import type { StreamHub } from './stream_hub.js';

/** How long a reader has at the end to take what was written for it. */
const LINGER_MS = 2000;

/**
 * `--verdicts unix:PATH`: the stream for any number of readers, in the form of a verdict file. Each
 * gets what is in memory and then what comes. Readers say nothing.
 */
export class StreamSocket {
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, server: Server) {
    this.#path = path;
    this.#server = server;
  }

  /** @throws ThymusError USAGE when the place cannot be had */
  static async listen(path: string, hub: StreamHub): Promise<StreamSocket> {
    await preparePrivateSocket(path);
    const server = createServer((socket) => self.#serve(socket, hub));
    const self = new StreamSocket(path, server);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, resolve);
      });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const message = `Nothing can listen on ${path} (${code}): give another place.`;
      throw new ThymusError('USAGE', message, { cause });
    }
    server.unref();
    return self;
  }

  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
    for (const socket of this.#sockets) {
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    }
  }

  #serve(socket: Socket, hub: StreamHub): void {
    this.#sockets.add(socket);
    const subscription = hub.subscribe(hub.ring.start, {
      take: (frame) => {
        socket.cork();
        socket.write(varint(frame.length));
        const hasRoom = socket.write(frame);
        socket.uncork();
        return hasRoom;
      },
      end: (why) => {
        if (why === 'finished') socket.end();
        else socket.destroy();
      },
    });
    if (subscription === null) {
      socket.destroy();
      return;
    }
    socket.resume();
    socket.on('drain', () => subscription.resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      subscription.end('closed');
    });
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return Uint8Array.from(bytes);
}
