import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

/**
 * Sends the frames of a plain pcap over an interface, a few at a time:
 *
 *   node send_frames.js IFACE FILE.pcap
 */

interface CapSender {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  send(frame: Buffer, bytes: number): void;
  close(): void;
}

const FRAMES_PER_TURN = 50;
const TURN_MS = 2;

const { Cap } = createRequire(import.meta.url)('cap') as { Cap: new () => CapSender };
const [device, path] = process.argv.slice(2);
const sender = new Cap();
sender.open(device!, '', 1 << 20, Buffer.alloc(65_535));
let sent = 0;
for (const frame of framesOf(readFileSync(path!))) {
  sender.send(frame, frame.length);
  if (++sent % FRAMES_PER_TURN === 0) await new Promise((go) => setTimeout(go, TURN_MS));
}
sender.close();
console.log(sent);

function* framesOf(file: Buffer): Generator<Buffer> {
  for (let at = 24; at < file.length;) {
    const bytes = file.readUInt32LE(at + 8);
    yield file.subarray(at + 16, at + 16 + bytes);
    at += 16 + bytes;
  }
}
