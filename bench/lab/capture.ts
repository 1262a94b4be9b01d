import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SWITCH } from './network.js';

export interface Capture {
  /** @returns how many frames the kernel had no room for */
  stop(): Promise<number>;
}

/** Captures whole frames at the switch into a pcap file. Resolves when frames are being seen. */
export async function startCapture(file: string): Promise<Capture> {
  const args = ['-i', SWITCH, '-s', '0', '-B', '65536', '-U', '-Z', 'root', '-w', file];
  const child = spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let messages = '';
  const listening = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      messages += chunk.toString();
      if (messages.includes('listening on')) resolve();
    });
    child.once('close', () => {
      reject(new Error(`tcpdump ended: ${messages}`));
    });
  });
  await listening;
  return {
    async stop() {
      child.kill('SIGINT');
      await once(child, 'close');
      return Number(/(\d+) packets? dropped by kernel/.exec(messages)?.[1] ?? NaN);
    },
  };
}
